package reply_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/reply"
)

func TestNoRuleWithoutATranscript(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("testdata/transcripts.txt")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for line := range strings.Lines(string(src)) {
		if _, rule, ok := strings.Cut(line, ", by "); ok {
			used[strings.TrimSpace(rule)] = true
		}
	}
	for rule, source := range reply.BuiltinRules() {
		if !used[rule] {
			t.Errorf("no transcript is decided by %s", rule)
		}
		if source == "" {
			t.Errorf("%s names no source", rule)
		}
	}
}

func TestProvidersAreThoseOfTheAccounts(t *testing.T) {
	t.Parallel()
	want := []string{
		"126", "163", "aliyun", "custom", "exmail", "foxmail", "gmail", "icloud",
		"outlook", "qq", "sandbox", "ses", "tencent-ses", "yahoo", "yeah",
	}
	if got := reply.Providers(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	_, err := reply.Load("gmial")
	if err == nil || err.Error() != "unknown provider \"gmial\"\n    did you mean \"gmail\"?" {
		t.Errorf("got %v", err)
	}
}

func TestTheUsersRulesComeFirst(t *testing.T) {
	t.Parallel()
	file := reply.UserFile{Name: "my.yaml", Data: []byte(`
rules:
  - {text: "too many ATTEMPTS", class: rate-account, wait: 6h, source: my own}
  - {code: 554, stage: [data, dot], class: content, streak: 2, final: false}
`)}
	book, err := reply.Load("qq", file)
	if err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]reply.Verdict{
		"550 Too many attempts. Unable to send. Try again later": {
			Class: reply.RateAccount, Scope: reply.Account, Wait: 6 * time.Hour, Streak: 1,
			Rule: `my.yaml "too many ATTEMPTS"`, Source: "my own",
		},
		"554 Transaction failed": {
			Class: reply.Content, Scope: reply.Run, Human: true, Streak: 2, Rule: "my.yaml 554 at data/dot",
		},
	} {
		a, err := reply.Parse(reply.AtDot, said)
		if err != nil {
			t.Fatal(err)
		}
		if got := book.Judge(a, evening()); got != want {
			t.Errorf("%s\n got %+v\nwant %+v", said, got, want)
		}
	}
}

func TestRulesForOtherProvidersAreLeftOut(t *testing.T) {
	t.Parallel()
	file := reply.UserFile{Name: "my.yaml", Data: []byte("for: 163\nrules: [{code: 550, class: transient}]")}
	for provider, want := range map[string]reply.Class{"163": reply.Transient, "qq": reply.Unknown} {
		book, err := reply.Load(provider, file)
		if err != nil {
			t.Fatal(err)
		}
		got := book.Judge(reply.New(reply.AtDot, 550, "No"), evening()).Class
		if got != want {
			t.Errorf("%s: got %s, want %s", provider, got, want)
		}
	}
}

func TestFaultsOfARuleFileAreToldAllAtOnce(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, name := range files {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = reply.Load("qq", reply.UserFile{Name: "my.yaml", Data: src})
		var faults fault.Faults
		if faults, _ = err.(fault.Faults); len(faults) == 0 {
			t.Errorf("%s: %v is no list of faults", name, err)
			continue
		}
		golden := strings.TrimSuffix(name, ".yaml") + ".golden"
		if *update {
			if err := os.WriteFile(golden, []byte(faults.Error()+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, string(want), faults.Error()+"\n")
	}
}

func TestMidnightIsChinas(t *testing.T) {
	t.Parallel()
	book, err := reply.Load("163")
	if err != nil {
		t.Fatal(err)
	}
	a := reply.New(reply.AtMail, 550, "MI:STC")
	for now, want := range map[string]time.Duration{
		"2026-11-23T15:59:00Z":      6 * time.Minute, // 23:59 in China
		"2026-11-23T16:00:00Z":      24*time.Hour + 5*time.Minute,
		"2026-11-23T08:00:00-08:00": 24*time.Hour + 5*time.Minute,
	} {
		at, err := time.Parse(time.RFC3339, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := book.Judge(a, at).Wait; got != want {
			t.Errorf("at %s: got %v, want %v", now, got, want)
		}
	}
}

func TestNoTextRuleSeesWhatWeSaidOurselves(t *testing.T) {
	t.Parallel()
	book, err := reply.Load("qq")
	if err != nil {
		t.Fatal(err)
	}
	a := reply.Answer{
		Stage: reply.AtMail, Code: 552, Enhanced: "5.3.4", Local: true,
		Text: "the attachment Too many attempts. Unable to send.pdf is too big, retry in 5 minutes",
	}
	v := book.Judge(a, evening())
	if v.Class != reply.MsgPerm || !v.Final || v.Wait != 0 || v.Rule != "common 5.3.4" {
		t.Errorf("got %+v", v)
	}
}

func TestBeforeMailNobodyIsRefused(t *testing.T) {
	t.Parallel()
	book, err := reply.Load("qq")
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range reply.Stages()[:5] {
		for _, said := range []string{"550 Mailbox not found", "550 5.1.1 x", "554 x", "501 x"} {
			a, err := reply.Parse(stage, said)
			if err != nil {
				t.Fatal(err)
			}
			if v := book.Judge(a, evening()); v.Final {
				t.Errorf("%s at %s refuses a recipient: %+v", said, stage, v)
			}
		}
	}
}

func FuzzJudge(f *testing.F) {
	src, err := os.ReadFile("testdata/transcripts.txt")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(src)) {
		if strings.HasPrefix(line, "custom ") {
			_, said, _ := strings.Cut(line, " ")
			stage, said, _ := strings.Cut(said, " ")
			f.Add(stage, said)
		}
	}
	book, err := reply.Load("custom")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, stage, said string) {
		a, err := reply.Parse(reply.Stage(stage), said)
		if err != nil {
			return
		}
		if again := reply.Clean(a.Text); again != a.Text {
			t.Errorf("text %q is not clean", a.Text)
		}
		v := book.Judge(a, evening())
		if v.Class == "" || v.Scope == "" || v.Streak < 1 || v.Rule == "" {
			t.Errorf("%q at %q has half a verdict: %+v", said, stage, v)
		}
		if v.Wait < 0 || v.Wait > 48*time.Hour {
			t.Errorf("%q at %q waits %v", said, stage, v.Wait)
		}
		if v.Final && a.Code < 500 && v.Rule != `gmail "same Message-ID"` {
			t.Errorf("%q is temporary and ends the recipient by %s", said, v.Rule)
		}
	})
}

func FuzzRuleFile(f *testing.F) {
	f.Add([]byte("for: [qq]\nrules:\n  - {text: abc, class: auth, wait: 3h, until: midnight}\n"))
	f.Add([]byte("rules: {a: b}\n---\n"))
	f.Add([]byte("rules: [&a {code: 550, class: *a}, *a, ~, !!x y, |\n z]"))
	f.Fuzz(func(t *testing.T, src []byte) {
		for rule, fault := range reply.ReadRules(src) {
			if (rule == "") == (fault == nil) {
				t.Fatalf("rule %q, fault %v", rule, fault)
			}
		}
	})
}
