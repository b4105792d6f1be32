package catalogue_test

import (
	"testing"
	"time"

	"hongyan/internal/catalogue"
)

func TestASpanIsSaidAsPeopleSayIt(t *testing.T) {
	t.Parallel()
	english, chinese := catalogue.In("en"), catalogue.In("zh")
	for _, c := range []struct {
		d      time.Duration
		en, zh string
	}{
		{0, "0 seconds", "0 秒"},
		{time.Second, "1 second", "1 秒"},
		{90 * time.Second / 2, "45 seconds", "45 秒"},
		{59*time.Second + 600*time.Millisecond, "1 minute", "1 分钟"},
		{time.Minute, "1 minute", "1 分钟"},
		{90 * time.Second, "2 minutes", "2 分钟"},
		{2 * time.Minute, "2 minutes", "2 分钟"},
		{59*time.Minute + 40*time.Second, "1 hour", "1 小时"},
		{61 * time.Minute, "1 hour", "1 小时"},
		{90 * time.Minute, "1.5 hours", "1.5 小时"},
		{48 * time.Hour, "2.0 days", "2.0 天"},
	} {
		if got := english.Span(c.d); got != c.en {
			t.Errorf("%v is %q, want %q", c.d, got, c.en)
		}
		if got := chinese.Span(c.d); got != c.zh {
			t.Errorf("%v is %q, want %q", c.d, got, c.zh)
		}
	}
}
