package sandbox

import (
	"testing"
	"time"
)

func TestAThrottledAccountMaySendAgainWhenTheWindowHasPassed(t *testing.T) {
	t.Parallel()
	s, err := New(Options{Profile: "qq", Limits: Limits{Mails: 2, Per: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	nine := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	s.took("li", nine)
	s.took("li", nine.Add(30*time.Minute))
	for _, c := range []struct {
		login string
		stage Stage
		after time.Duration
		want  bool
	}{
		{"li", AtDot, 30 * time.Minute, true},
		{"li", AtMail, 30 * time.Minute, false}, // QQ says so after the dot only
		{"wang", AtDot, 30 * time.Minute, false},
		{"li", AtDot, time.Hour - 1, true},
		{"li", AtDot, time.Hour, false},
	} {
		x := &session{Server: s, login: c.login}
		words := x.exceeded(c.stage, nine.Add(c.after))
		if got := words == "550 Too many attempts. Unable to send. Try again later"; got != c.want {
			t.Errorf("%s at %s after %v: %q", c.login, c.stage, c.after, words)
		}
	}
}

func TestAFileNameNeverLeadsOutOfTheFolder(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"li@example.com":   "000007-li@example.com.eml",
		"../../etc/passwd": "000007-.._.._etc_passwd.eml",
		"a\\b:c*?\"<>|@x":  "000007-a_b_c______@x.eml",
		"张三@例子.cn":         "000007-张三@例子.cn.eml",
		"\x1b[31m@x":       "000007-__31m@x.eml",
	} {
		if got := fileName(Mail{N: 7, To: []string{to}}); got != want {
			t.Errorf("%q: %q, want %q", to, got, want)
		}
	}
}
