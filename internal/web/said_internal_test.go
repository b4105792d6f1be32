package web

import (
	"testing"

	"hongyan/internal/catalogue"
)

func TestOneThingIsSaidAsOne(t *testing.T) {
	t.Parallel()
	english, chinese := catalogue.In("en"), catalogue.In("zh")
	for _, c := range []struct{ done, en, zh string }{
		{"test:1", "1 test mail has left.", "已发出 1 封测试邮件。"},
		{"retry:1", "1 refused recipient is tried again.", "1 位被拒收件人将重新发送。"},
		{"settle:1", "1 doubt is settled.", "已核定 1 封存疑邮件。"},
		{"suppress:1", "1 new suppression.", "新增免发地址 1 个。"},
		{"suppress:2", "2 new suppressions.", "新增免发地址 2 个。"},
		{"suppress:0", "0 new suppressions.", "新增免发地址 0 个。"},
	} {
		if got := (&views{Words: english}).said(c.done); got != c.en {
			t.Errorf("%s is %q, want %q", c.done, got, c.en)
		}
		if got := (&views{Words: chinese}).said(c.done); got != c.zh {
			t.Errorf("%s is %q, want %q", c.done, got, c.zh)
		}
	}
}
