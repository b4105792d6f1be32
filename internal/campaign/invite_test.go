package campaign_test

import (
	"strings"
	"testing"
	"time"

	"hongyan/internal/campaign"
	"hongyan/internal/lint"
)

func invitation(t *testing.T, lines string) *campaign.Invite {
	t.Helper()
	c, err := campaign.Parse("c.yaml", []byte(head+"invite:\n  summary: a\n"+lines))
	if err != nil {
		t.Fatal(err)
	}
	return c.Invite
}

func TestTimesAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	v := invitation(t, "  start: 2026-12-05 14:00\n  end: 16:30\n")
	const layout = "2006-01-02T15:04Z"
	for _, c := range []struct{ start, end, from, to string }{
		{"2026-12-05 14:00", "16:30", "2026-12-05T06:00Z", "2026-12-05T08:30Z"},
		{" 2026-12-05 14:00 ", " 90m ", "2026-12-05T06:00Z", "2026-12-05T07:30Z"},
		{"2026年12月5日 14:00", "2h30m", "2026-12-05T06:00Z", "2026-12-05T08:30Z"},
		{"2026/12/5 14:00", "2026/12/6 1:00", "2026-12-05T06:00Z", "2026-12-05T17:00Z"},
		{"2026-12-05T14:00:00+09:00", "15:00", "2026-12-05T05:00Z", "2026-12-05T07:00Z"},
		{"2026-12-05 14:00 -05:00", "2h", "2026-12-05T19:00Z", "2026-12-05T21:00Z"},
		{"2026-12-05 23:30+08:00", "2026-12-06T00:30Z", "2026-12-05T15:30Z", "2026-12-06T00:30Z"},
	} {
		from, to, err := v.Times(c.start, c.end)
		if err != nil || from.UTC().Format(layout) != c.from || to.UTC().Format(layout) != c.to {
			t.Errorf("%q to %q: %v to %v, %v", c.start, c.end, from.UTC(), to.UTC(), err)
		}
	}
}

func TestWinterAndSummerHaveTheirOwnHours(t *testing.T) {
	t.Parallel()
	v := invitation(t, "  start: 2026-10-24 22:00\n  end: 2026-10-25 04:00\n  timezone: Europe/Berlin\n")
	from, to, err := v.Times("2026-10-24 22:00", "2026-10-25 04:00")
	if err != nil || to.Sub(from) != 7*time.Hour {
		t.Errorf("%v to %v: %v", from, to, err)
	}
}

func TestTimesThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	v := invitation(t, "  start: 2026-12-05 14:00\n  end: 16:30\n")
	for _, c := range [][2]string{
		{"2026-12-05 14:00", "13:00"},
		{"2026-12-05 14:00", "14:00"},
		{"2026-12-05 14:00", "0m"},
		{"2026-12-05 14:00", "-1h"},
		{"2026-12-05 14:00", "2026-12-04 15:00"},
		{"2026-12-05", "15:00"},
		{"2026-13-05 14:00", "15:00"},
		{"2026-12-05 25:00", "15:00"},
		{"", "15:00"},
		{"2026-12-05 14:00", ""},
		{"soon", "later"},
	} {
		if from, to, err := v.Times(c[0], c[1]); err == nil {
			t.Errorf("%q to %q: %v to %v", c[0], c[1], from, to)
		}
	}
}

func TestFaultsOfAnInvitationHaveTheirLine(t *testing.T) {
	t.Parallel()
	for lines, want := range map[string]string{
		"invite: {start: 2026-12-05 14:00}\n":                              "c.yaml:4: the key invite.end is missing\nc.yaml:4: the key invite.summary is missing",
		"invite:\n  summary: a\n  start: tomorrow\n  end: 15:00\n":         "c.yaml:6: invite.start: \"tomorrow\" is no time\n    write the day and the hour, like 2026-12-05 14:00",
		"invite:\n  summary: a\n  start: 2026-12-05 14:00\n  end: 13:00\n": "c.yaml:7: invite.end: the event ends at 13:00, before it starts at 2026-12-05 14:00",
		"invite:\n  summary: a\n  start: tomorrow\n  end: \"{{.x}}\"\n":    "c.yaml:6: invite.start: \"tomorrow\" is no time",
		"invite:\n  summary: a\n  start: x\n  end: x\n  method: cancle\n":  "c.yaml:8: there is no method \"cancle\"\n    did you mean \"cancel\"?",
		"invite:\n  summary: a\n  start: x\n  end: x\n  timezone: Local\n": "c.yaml:8: there is no time zone \"Local\"",
		"invite:\n  summary: a\n  start: x\n  end: x\n  organizer: me\n":   "c.yaml:8: organizer: \"me\" is not an address",
		"invite:\n  summary: a\n  start: x\n  end: x\n  sequence: -1\n":    "c.yaml:8: invite.sequence must be a whole number",
		"invite: 2026-12-05\n":                                     "c.yaml:4: invite must be a map of keys and values",
		"lint: {clients: {}}\n":                                    "c.yaml:4: lint.clients names no reader",
		"lint: {clients: {qq: 0}}\n":                               "c.yaml:4: lint.clients names no reader",
		"lint: {ignore: contrast}\n":                               "c.yaml:4: lint.ignore must be a list",
		"lint:\n  ignore:\n    - contrast\n    - contrsat\n":       "c.yaml:7: there is no rule \"contrsat\"\n    did you mean \"contrast\"?",
		"lint:\n  clients:\n    gmail: 1\n    outlook/window: 1\n": "c.yaml:7: there is no mail client \"outlook/window\"\n    did you mean \"outlook/windows\"?",
	} {
		_, err := campaign.Parse("c.yaml", []byte(head+lines))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", lines, err, want)
		}
	}
}

func TestATemplatedTimeIsReadWithEachMail(t *testing.T) {
	t.Parallel()
	for _, lines := range []string{
		"  start: \"{{.day}} 14:00\"\n  end: 15:00\n", "  start: 2026-12-05 14:00\n  end: \"{{.until}}\"\n", "  start: \"{{.a}}\"\n  end: \"{{.b}}\"\n",
	} {
		if v := invitation(t, lines); v.Zone.String() != "Asia/Shanghai" || v.Method != "request" {
			t.Errorf("%s: %+v", lines, v)
		}
	}
}

func TestAnEmptyListIgnoresNothing(t *testing.T) {
	t.Parallel()
	c, err := campaign.Parse("c.yaml", []byte(head+"lint: {ignore: []}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Lint.Over(lint.Options{Ignore: []string{"contrast"}}).Ignore; len(got) != 0 {
		t.Errorf("ignores %v", got)
	}
}
