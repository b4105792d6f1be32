package proof_test

import (
	"context"
	"maps"
	"math"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hongyan/internal/campaign"
	"hongyan/internal/edition"
	"hongyan/internal/edition/fresh"
	"hongyan/internal/ledger"
	"hongyan/internal/proof"
	"hongyan/internal/run"
	"hongyan/internal/unsubscribe"
)

// newsletter is a campaign whose third row cannot become a mail.
const newsletter = "name: a\nsubject: hello\ntemplate: a.md\nrecipients: a.csv\nlist: news\n"

// proven is a proof of a campaign, and the press for its mails.
func proven(t *testing.T, text string, s edition.Settings, senders ...proof.Sender) (*proof.Proof, *run.Mailing) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.yaml": text, "a.md": "Dear {{.name}},\n\nhello from {{default \"nowhere\" .city}}.\n",
		"a.csv": "email,name,city,unused\na@example.com,Li,Beijing,1\nb@example.com,Wang,A much longer name of a place,1\nc@example.com,,Xian,1\nd@example.com,Sun,,1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	camp, err := campaign.Parse(filepath.Join(dir, "a.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	e, err := edition.Open(t.Context(), edition.Source{Campaign: camp, Text: []byte(text), Settings: &s, Fresh: fresh.Source{
		Reading: fresh.ToCheck, Shelf: func(context.Context) (ledger.Papers, func(), error) { return nil, func() {}, nil },
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	m, err := e.Mailing(mail.Address{Address: "sender@example.com"}, []byte("key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return &proof.Proof{Edition: e, Senders: senders}, m
}

func TestAProofFindsWhatIsWrongWithAnEdition(t *testing.T) {
	t.Parallel()
	leave := edition.Settings{Unsubscribe: unsubscribe.Links{Mailto: "leave@example.com"}}
	for name, c := range map[string]struct {
		settings edition.Settings
		sender   proof.Sender
		rule     string
		found    bool
	}{
		"a newsletter shows no way out":   {edition.Settings{}, proof.Sender{}, "unsubscribe-missing", true},
		"it shows one":                    {leave, proof.Sender{}, "unsubscribe-missing", false},
		"no signature covers the way out": {leave, proof.Sender{Bare: true}, "unsubscribe-unsigned", true},
		"a signature does":                {leave, proof.Sender{}, "unsubscribe-unsigned", false},
		"the largest mail is too large":   {leave, proof.Sender{MaxSize: 100}, "message-size", true},
		"it is not":                       {leave, proof.Sender{MaxSize: 1 << 20}, "message-size", false},
		"nothing is made of a column":     {leave, proof.Sender{}, "column-unused", true},
	} {
		p, m := proven(t, newsletter, c.settings, c.sender)
		r, err := p.Rehearse(t.Context(), m.Compose, math.MaxInt)
		if err != nil {
			t.Fatal(err)
		}
		rules := map[string]int{}
		for _, f := range p.Findings(r) {
			rules[f.Rule]++
		}
		if (rules[c.rule] == 1) != c.found || rules[c.rule] > 1 {
			t.Errorf("%s, and %s is found %d times among %v", name, c.rule, rules[c.rule], slices.Sorted(maps.Keys(rules)))
		}
	}
}

func TestARehearsalTellsTheRowsThatCannotBecomeMails(t *testing.T) {
	t.Parallel()
	p, m := proven(t, newsletter, edition.Settings{})
	r, err := p.Rehearse(t.Context(), m.Compose, math.MaxInt)
	if err != nil || r.Composed != 4 || !r.Whole || r.Unfit != 1 || r.First == nil || r.First.To != "a@example.com" {
		t.Fatalf("%+v, %v", r, err)
	}
	if u := r.Listed[0]; u.Line != 4 || u.Address != "c@example.com" || u.Why.String() != `field "name" is empty` {
		t.Errorf("%+v", u)
	}
	if rows := p.Rows(r); len(rows) != 1 || rows[0].Rule != "row-skipped" || rows[0].Line != 4 {
		t.Errorf("%+v", rows)
	}
	if r, err = p.Rehearse(t.Context(), m.Compose, 2); err != nil || r.Composed != 2 || r.Whole {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestASampleHasTheExtremes(t *testing.T) {
	t.Parallel()
	p, m := proven(t, newsletter, edition.Settings{})
	for n, want := range map[int]map[int]bool{
		0: nil,                         // all
		2: {2: true, 3: true},          // the smallest and the largest
		3: {2: true, 3: true, 5: true}, // and the emptiest
		9: {2: true, 3: true, 5: true}, // that is all that can become a mail
	} {
		if got, err := p.Sample(p.Edition.List.Recipients(), m.Compose, n); err != nil || !maps.Equal(got, want) {
			t.Errorf("of %d: %v, %v", n, got, err)
		}
	}
}
