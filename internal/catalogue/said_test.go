package catalogue_test

import (
	"testing"
	"time"

	"hongyan/internal/catalogue"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/reply"
	"hongyan/internal/report"
)

func TestWhatHongyanWroteDownIsSaidInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	en, zh := catalogue.In("en"), catalogue.In("zh")
	for _, class := range reply.Classes() {
		if got := zh.Text(report.HeldFor(string(class))); got == string(class) {
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
		if got := en.Text(report.Answer(c.said, c.rule)); got != c.en {
			t.Errorf("%q is %q, want %q", c.said, got, c.en)
		}
		if got := zh.Text(report.Answer(c.said, c.rule)); got != c.zh {
			t.Errorf("%q is %q, want %q", c.said, got, c.zh)
		}
	}
}

func TestOneThingIsSaidAsOneInASentenceOfARoomToo(t *testing.T) {
	t.Parallel()
	for n, want := range map[int][2]string{
		0: {"x.cn has no mail server and no address; 0 recipients", "x.cn 既没有邮件服务器也没有地址；涉及 0 位收件人"},
		1: {"x.cn has no mail server and no address; 1 recipient", "x.cn 既没有邮件服务器也没有地址；涉及 1 位收件人"},
		2: {"x.cn has no mail server and no address; 2 recipients", "x.cn 既没有邮件服务器也没有地址；涉及 2 位收件人"},
	} {
		text := fault.Counted("%[2]s has no mail server and no address; %[1]d recipient",
			"%[2]s has no mail server and no address; %[1]d recipients", n, "x.cn")
		if got := [2]string{catalogue.In("en").Text(text), catalogue.In("zh").Text(text)}; got != want || text.String() != want[0] {
			t.Errorf("%d are %q, and by itself %q", n, got, text)
		}
	}
}
