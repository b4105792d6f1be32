package lint

import (
	"slices"
	"strings"

	"hongyan/internal/fault"
)

// Options are what an author chose to be told.
type Options struct {
	Clients Clients  // nil: Usual
	Ignore  []string // ids of rules
}

// Over lays options over more general ones: what they say counts, what they
// leave open (nil) is taken from below.
func (o Options) Over(below Options) Options {
	if o.Clients == nil {
		o.Clients = below.Clients
	}
	if o.Ignore == nil {
		o.Ignore = below.Ignore
	}
	return o
}

// Heed returns the findings without those that the author does not want to hear.
func (o Options) Heed(findings []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return slices.Contains(o.Ignore, f.Rule) })
}

// CheckClient returns what is wrong with a client's name; zero if there is such
// a client.
func CheckClient(name string) (what, hint fault.Text) {
	if known := ClientNames(); !slices.Contains(known, name) {
		families := slices.DeleteFunc(slices.Clone(known), func(s string) bool { return strings.Contains(s, "/") })
		return fault.Textf("there is no mail client %q", name), among(name, known, families)
	}
	return what, hint
}

// CheckRule returns what is wrong with a rule's id; zero if there is such a rule.
func CheckRule(id string) (what, hint fault.Text) {
	if ruleIndex(id) >= 0 {
		return what, hint
	}
	var known []string
	for _, r := range rules() {
		known = append(known, r.id)
	}
	return fault.Textf("there is no rule %q", id), among(id, known, known)
}

func among(word string, known, shown []string) fault.Text {
	if near := fault.Near(word, known); near != "" {
		return fault.Textf("did you mean %q?", near)
	}
	return fault.Textf("known are: %s", strings.Join(shown, ", "))
}
