package drill_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hongyan/internal/ledger"
)

// books hold what a server took against what the ledger says of one issue.
type books struct {
	taken   map[string][]string // Message-IDs by recipient, as the server wrote them down
	entries []ledger.Entry
}

// wrongs are the ways in which the promise can be broken, with the recipients
// whom it concerns.
type wrongs struct {
	lost      []string // said to be sent, but no server has it
	doubled   []string // taken more than once
	forgotten []string // taken, but neither sent nor in doubt
	strange   []string // taken under a Message-ID or for somebody that the ledger does not know
}

// audit compares the two sides. It must hold at any time when nothing is running.
func (b books) audit() wrongs {
	var w wrongs
	known := map[string]bool{}
	for _, e := range b.entries {
		known[e.Address] = true
		ids := b.taken[e.Address]
		if len(ids) == 0 && e.State == ledger.Sent {
			w.lost = append(w.lost, e.Address)
		}
		if len(ids) > 1 {
			w.doubled = append(w.doubled, e.Address)
		}
		if len(ids) > 0 && e.State != ledger.Sent && e.State != ledger.InDoubt {
			w.forgotten = append(w.forgotten, fmt.Sprintf("%s (%s)", e.Address, e.State))
		}
		if slices.ContainsFunc(ids, func(id string) bool { return id != e.MessageID }) {
			w.strange = append(w.strange, e.Address)
		}
	}
	for address := range b.taken {
		if !known[address] {
			w.strange = append(w.strange, address)
		}
	}
	return w
}

// unsettled lists who is still without a mail when an issue is done.
func (b books) unsettled() (names []string) {
	for _, e := range b.entries {
		if e.State != ledger.Sent {
			names = append(names, fmt.Sprintf("%s (%s)", e.Address, e.State))
		}
	}
	return names
}

// err is nil when the promise holds.
func (w wrongs) err() error {
	var said []string
	for _, one := range []struct {
		what  string
		names []string
	}{{"lost", w.lost}, {"doubled", w.doubled}, {"forgotten", w.forgotten}, {"strange", w.strange}} {
		if n := len(one.names); n > 0 {
			said = append(said, fmt.Sprintf("%d %s, such as %s", n, one.what, one.names[0]))
		}
	}
	if said == nil {
		return nil
	}
	return fmt.Errorf("the promise is broken: %s", strings.Join(said, "; "))
}

// TestTheAuditSeesEveryBrokenPromise shows that the drills can fail.
func TestTheAuditSeesEveryBrokenPromise(t *testing.T) {
	t.Parallel()
	entry := func(address string, s ledger.State) ledger.Entry {
		return ledger.Entry{Address: address, State: s, MessageID: "id of " + address}
	}
	for _, c := range []struct {
		name  string
		entry ledger.Entry
		taken []string
		want  string
	}{
		{"sent and taken", entry("a", ledger.Sent), []string{"id of a"}, ""},
		{"in doubt and taken", entry("a", ledger.InDoubt), []string{"id of a"}, ""},
		{"in doubt and not taken", entry("a", ledger.InDoubt), nil, ""},
		{"queued and not taken", entry("a", ledger.Queued), nil, ""},
		{"lost", entry("a", ledger.Sent), nil, "1 lost, such as a"},
		{"doubled", entry("a", ledger.Sent), []string{"id of a", "id of a"}, "1 doubled, such as a"},
		{"forgotten", entry("a", ledger.Queued), []string{"id of a"}, "1 forgotten, such as a (queued)"},
		{"due again", entry("a", ledger.Deferred), []string{"id of a"}, "1 forgotten, such as a (deferred)"},
		{"left open", entry("a", ledger.Sending), []string{"id of a"}, "1 forgotten, such as a (sending)"},
		{"under another name", entry("a", ledger.Sent), []string{"id of b"}, "1 strange, such as a"},
		{"to a stranger", entry("b", ledger.Queued), []string{"id of a"}, "1 strange, such as a"},
	} {
		err := books{taken: map[string][]string{"a": c.taken}, entries: []ledger.Entry{c.entry}}.audit().err()
		if c.taken == nil {
			err = books{entries: []ledger.Entry{c.entry}}.audit().err()
		}
		if got := fmt.Sprint(err); c.want == "" && err != nil || !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}
