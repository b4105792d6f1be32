package main

import (
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/reply"
	"hongyan/internal/run"
)

func TestWhatHongyanWroteDownIsSaidInTheOperatorsLanguage(t *testing.T) {
	t.Parallel()
	zh := newWords([]string{"zh"}, func(string) string { return "" })
	en := newWords([]string{"en"}, func(string) string { return "" })
	for why, want := range map[string]string{
		run.DueAgain:                          "延后的收件人届时再发",
		"hold: " + string(reply.RateAccount):  "暂停：账号限流",
		"probe: " + string(reply.RateAccount): "试探：账号限流",
		"hold: " + ledger.LinksLost(3):        "暂停：连续断线 3 次",
		"hold: 100% of it":                    "暂停：100% of it",
		"gap: 6s-10s":                         "gap: 6s-10s",
		"550 Too many attempts":               "550 Too many attempts",
	} {
		if got := zh.text(silenceOf(why)); got != want {
			t.Errorf("%q is %q, want %q", why, got, want)
		}
		if got, api := en.text(silenceOf(why)), silenceOf(why).String(); got != why || api != why {
			t.Errorf("%q is %q in English, and %q to programs", why, got, api)
		}
	}
	for _, class := range reply.Classes() {
		if got := zh.text(heldFor(string(class))); got == string(class) {
			t.Errorf("%s has no Chinese", class)
		}
	}
	left := ledger.Suppression{Source: ledger.Unsubscribe, Reason: "too often", At: time.Date(2026, 11, 23, 9, 0, 0, 0, time.Local)}
	for _, c := range []struct{ said, rule, en, zh string }{
		{ledger.GivenUp(12, "later"), "", "given up after 12 attempts: later", "尝试 12 次后放弃：later"},
		{ledger.GivenUp(1, "later"), "", "given up after 1 attempt: later", "尝试 1 次后放弃：later"},
		{ledger.BrokenDown, "", ledger.BrokenDown, "正文交完之前程序出错"},
		{left.Why(), "unsubscribe", "unsubscribe on 2026-11-23: too often", "退订（2026-11-23）：too often"},
		{"550 no %d\x1b", "qq", `550 no %d\u001b`, `550 no %d\u001b`},
	} {
		if got := en.replied(c.said, c.rule); got != c.en {
			t.Errorf("%q is %q, want %q", c.said, got, c.en)
		}
		if got := zh.replied(c.said, c.rule); got != c.zh {
			t.Errorf("%q is %q, want %q", c.said, got, c.zh)
		}
	}
}
