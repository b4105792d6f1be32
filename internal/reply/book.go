package reply

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"hongyan/internal/fault"
)

//go:embed rules/*.yaml
var rules embed.FS

// custom is the provider of whom nothing is known: texts of all providers count.
const custom = "custom"

// A UserFile is a rule file of the user's own.
type UserFile struct {
	Name string // as faults shall call it
	Data []byte
}

// A Book holds the rules for one provider. It never changes and may be shared.
type Book struct {
	ranks [3][]rule // by text or token, by enhanced code, by basic code; the first that fits decides
	again *regexp.Regexp
	clock *regexp.Regexp
}

// Load opens the rules of a provider ("" is "custom", which knows the texts of
// all), with the user's own files before them. Faults in the user's files are
// told all at once, as fault.Faults; an unknown provider is one too.
func Load(provider string, user ...UserFile) (*Book, error) {
	if provider == "" {
		provider = custom
	}
	sheets := builtin()
	known := providers(sheets)
	if !slices.Contains(known, provider) {
		return nil, fault.Faults{unknownProvider("", 0, provider, known)}
	}
	b := &Book{again: regexp.MustCompile(againPattern), clock: regexp.MustCompile(clockPattern)}
	if err := b.addUser(provider, known, user); err != nil {
		return nil, err
	}
	b.addOwn(provider, sheets)
	return b, nil
}

// Providers lists the names that Load knows, sorted.
func Providers() []string { return providers(builtin()) }

func providers(sheets []sheet) []string {
	names := []string{custom}
	for _, s := range sheets {
		names = append(names, s.providers...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func unknownProvider(file string, line int, name string, known []string) *fault.Fault {
	f := fault.At(file, line, "unknown provider %q", name)
	if near := fault.Near(name, known); near != "" {
		return f.Hinted("did you mean %q?", near)
	}
	return f.Hinted("one of: %s", strings.Join(known, ", "))
}

func (b *Book) addUser(provider string, known []string, files []UserFile) error {
	var faults fault.Faults
	for _, file := range files {
		s, wrong := readSheet(file.Name, file.Name, file.Data)
		faults = append(faults, wrong...)
		for _, name := range s.providers {
			if !slices.Contains(known, name) {
				faults = append(faults, unknownProvider(file.Name, s.line, name, known))
			}
		}
		if len(s.providers) == 0 || slices.Contains(s.providers, provider) {
			b.add(s)
		}
	}
	return faults.Err()
}

// addOwn adds the provider's sheets, the common one, and to "custom" the texts
// of every provider after them: a relay passes on what its next hop said.
func (b *Book) addOwn(provider string, sheets []sheet) {
	var others []sheet
	var common sheet
	for _, s := range sheets {
		switch {
		case len(s.providers) == 0:
			common = s
		case slices.Contains(s.providers, provider):
			b.add(s)
		default:
			others = append(others, s)
		}
	}
	if provider == custom {
		for _, s := range others {
			b.ranks[0] = append(b.ranks[0], only(s.rules, 0)...)
		}
	}
	b.add(common)
}

func (b *Book) add(s sheet) {
	for i := range b.ranks {
		b.ranks[i] = append(b.ranks[i], only(s.rules, i)...)
	}
}

// only returns the rules of a rank; a rule has the rank of its surest sign.
func only(rules []rule, rank int) (out []rule) {
	for _, r := range rules {
		if r.rank() == rank {
			out = append(out, r)
		}
	}
	return out
}

func (r rule) rank() int {
	switch {
	case r.text != "" || r.token != "":
		return 0
	case r.enhanced != "":
		return 1
	}
	return 2
}

// builtin reads the sheets that ship. A test proves that they have no faults.
func builtin() (sheets []sheet) {
	names, err := fs.Glob(rules, "rules/*.yaml")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for _, name := range names {
		src, err := rules.ReadFile(name)
		if err != nil {
			panic(err) // embedded
		}
		s, wrong := readSheet(name, strings.TrimSuffix(path.Base(name), ".yaml"), src)
		if len(wrong) > 0 {
			panic(fmt.Sprint("embedded rules: ", wrong))
		}
		sheets = append(sheets, s)
	}
	return sheets
}

// Judge says what an answer means: the provider's texts and tokens first, then
// common texts, then the enhanced code, then the basic code. The time serves
// limits "until midnight" only. Every answer gets a verdict.
func (b *Book) Judge(a Answer, now time.Time) Verdict {
	r := b.find(a)
	v := r.verdict
	if r.midnight {
		v.Wait = untilMidnight(now)
	}
	v.Final = r.ends(a)
	v.Reconnect = v.Reconnect || a.Code == 421 // RFC 5321 §3.8: the server closes
	return b.heed(v, a)
}

func (b *Book) find(a Answer) rule {
	lower, ranks := strings.ToLower(a.Text), b.ranks[:]
	if a.Local {
		ranks = ranks[1:] // rules see only text that came from the network
	}
	for _, rank := range ranks {
		for _, r := range rank {
			if r.fits(a, lower) {
				return r
			}
		}
	}
	v := meanings()[Unknown]
	v.Class, v.Rule = Unknown, "none"
	return rule{verdict: v}
}

// ends tells whether the recipient is done with. A 4yz is only if the rule says
// so outright, and before MAIL no answer can be about a recipient.
func (r rule) ends(a Answer) bool {
	switch a.Stage {
	case AtConnect, AtGreeting, AtEhlo, AtStartTLS, AtAuth:
		return false
	}
	if r.final != nil {
		return *r.final
	}
	return r.verdict.Final && a.Code >= 500
}
