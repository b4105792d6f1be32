package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"hongyan/internal/fault"
)

func TestAFaultSaysWhereWhatAndHow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault *fault.Fault
		want  string
	}{
		{
			fault.At("c.yaml", 3, "unknown key %q", "subjct").Hinted("did you mean %q?", "subject"),
			"c.yaml:3: unknown key \"subjct\"\n    did you mean \"subject\"?",
		},
		{fault.At("c.yaml", 0, "the file is empty"), "c.yaml: the file is empty"},
		{fault.At("", 7, "no address"), "line 7: no address"},
		{fault.At("", 0, "over 100%% of the limit"), "over 100% of the limit"},
	} {
		if got := c.fault.Error(); got != c.want {
			t.Errorf("got  %q\nwant %q", got, c.want)
		}
	}
}

func TestFaultsReadFromTopToBottom(t *testing.T) {
	t.Parallel()
	faults := fault.Faults{
		fault.At("b.csv", 1, "three"),
		fault.At("a.yaml", 12, "two"),
		fault.At("a.yaml", 2, "one").Hinted("hint"),
		fault.At("a.yaml", 12, "two again"),
	}
	want := "a.yaml:2: one\n    hint\na.yaml:12: two\na.yaml:12: two again\nb.csv:1: three"
	if got := faults.Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if faults[0].File != "b.csv" {
		t.Error("saying the faults moved them")
	}
}

func TestNoFaultIsNoError(t *testing.T) {
	t.Parallel()
	if err := (fault.Faults{}).Err(); err != nil {
		t.Errorf("got %v", err)
	}
	err := fmt.Errorf("campaign: %w", fault.Faults{fault.At("a", 1, "x")}.Err())
	if got, ok := errors.AsType[fault.Faults](err); !ok || len(got) != 1 {
		t.Errorf("the faults were lost in %v", err)
	}
}

func TestATextOfAnotherEncodingIsAFaultAtItsFirstBadLine(t *testing.T) {
	t.Parallel()
	for src, line := range map[string]int{
		"":                                   0,
		"name: 秋季\n\n":                       0,
		"\ufeffname: 秋季\r\n":                 0,
		"name: x\nsubject: \xc7\xef\xbc\xbe": 2, // GBK
		"\xff\xfen\x00":                      1, // UTF-16 with its mark
		"n\x00\n\x00":                        1, // and without
	} {
		got := fault.NotUTF8("c.yaml", []byte(src))
		if got == nil && line == 0 {
			continue
		}
		if got == nil || got.Place() != fmt.Sprintf("c.yaml:%d", line) || got.Hint.Format == "" {
			t.Errorf("%q: got %v, want line %d", src, got, line)
		}
	}
}

func TestATextKeepsItsValuesApart(t *testing.T) {
	t.Parallel()
	inner := fault.Textf("line %d", 7)
	text := fault.Textf("%s is twice, first in %s", "a@b.cn", inner)
	if got, want := text.String(), "a@b.cn is twice, first in line 7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := (fault.Text{}).String(); got != "" {
		t.Errorf("the zero text says %q", got)
	}
}

func TestOneThingIsSaidAsOne(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 rows of a.csv", 1: "1 row of a.csv", 2: "2 rows of a.csv"} {
		if got := fault.Counted("%d row of %s", "%d rows of %s", n, "a.csv").String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestNearFindsWhatWasMeant(t *testing.T) {
	t.Parallel()
	keys := []string{"name", "subject", "template", "recipients", "reply_to", "邮箱", "姓名", "id"}
	for word, want := range map[string]string{
		"subjct":     "subject",
		"sbuject":    "subject",
		"Subject":    "subject",
		"recipents":  "recipients",
		"replyto":    "reply_to",
		"temlpate":   "template",
		"性名":         "姓名",
		"邮箱地":        "邮箱",
		"nmae":       "name",
		"to":         "",
		"":           "",
		"城市":         "",
		"something":  "",
		"nam":        "name",
		"reply-to":   "reply_to",
		"recipientz": "recipients",
	} {
		if got := fault.Near(word, keys); got != want {
			t.Errorf("Near(%q) = %q, want %q", word, got, want)
		}
	}
}

func TestNearKnowsNothingAmongNothing(t *testing.T) {
	t.Parallel()
	if got := fault.Near("subject", nil); got != "" {
		t.Errorf("got %q", got)
	}
}
