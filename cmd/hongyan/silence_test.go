package main

import (
	"testing"

	"hongyan/internal/catalogue"
	"hongyan/internal/ledger"
	"hongyan/internal/reply"
	"hongyan/internal/run"
)

func TestWhyNothingLeavesIsSaidInTheOperatorsLanguage(t *testing.T) {
	t.Parallel()
	zh := catalogue.In("zh")
	en := catalogue.In("en")
	for why, want := range map[string]string{
		run.DueAgain:                          "延后的收件人届时再发",
		"hold: " + string(reply.RateAccount):  "暂停：账号限流",
		"probe: " + string(reply.RateAccount): "试探：账号限流",
		"hold: " + ledger.LinksLost(3):        "暂停：连续断线 3 次",
		"hold: 100% of it":                    "暂停：100% of it",
		"gap: 6s-10s":                         "gap: 6s-10s",
		"550 Too many attempts":               "550 Too many attempts",
	} {
		if got := zh.Text(silenceOf(why)); got != want {
			t.Errorf("%q is %q, want %q", why, got, want)
		}
		if got, api := en.Text(silenceOf(why)), silenceOf(why).String(); got != why || api != why {
			t.Errorf("%q is %q in English, and %q to programs", why, got, api)
		}
	}
}
