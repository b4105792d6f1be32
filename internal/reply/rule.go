package reply

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"hongyan/internal/fault"
	"hongyan/internal/outline"
)

// A rule is one entry of a rule file. What it names must all fit an answer;
// what it leaves empty fits any.
type rule struct {
	text, token string // lower case; token is text with no letter or digit beside it
	seeks       string // text or token as it was written
	enhanced    string // "5.1.1"; an x stands for any number
	code        string // "550", or "5yz" for the class
	stages      []Stage
	midnight    bool  // the wait ends at midnight in China
	final       *bool // nil: as the class says, but never for a 4yz
	verdict     Verdict
	line        int
	set         []string // the keys that were written
}

// A sheet is one rule file.
type sheet struct {
	providers []string // accounts' provider names; none = all
	line      int      // where they stand
	source    string   // for rules that name none
	rules     []rule
}

// A reader goes through a rule file and collects all that is wrong with it.
type reader struct {
	file   string
	faults fault.Faults
}

// readSheet parses a rule file; title begins the name of its rules.
func readSheet(file, title string, src []byte) (sheet, fault.Faults) {
	rd := &reader{file: file}
	if garbled := fault.NotUTF8(file, src); garbled != nil {
		return sheet{}, fault.Faults{garbled}
	}
	tree, bad := outline.Parse(src)
	if bad != nil {
		bad.File = file
		return sheet{}, fault.Faults{bad}
	}
	s := rd.sheet(tree.Body)
	for i := range s.rules {
		rd.complete(&s.rules[i], title, s.source)
	}
	return s, rd.faults
}

func (rd *reader) at(line int, format string, args ...any) *fault.Fault {
	f := fault.At(rd.file, line, format, args...)
	rd.faults = append(rd.faults, f)
	return f
}

func (rd *reader) sheet(body ast.Node) (s sheet) {
	if body == nil {
		rd.at(0, "the file is empty").Hinted("it begins with %q", "rules:")
		return s
	}
	rd.fields(body, map[string]func(ast.Node){
		"for":    func(n ast.Node) { s.providers, s.line = rd.words(n), outline.Line(n) },
		"source": func(n ast.Node) { s.source = rd.word(n) },
		"rules": func(n ast.Node) {
			for _, item := range rd.items(n) {
				before := len(rd.faults)
				if r := rd.rule(item); len(rd.faults) == before {
					s.rules = append(s.rules, r)
				}
			}
		},
	})
	return s
}

func (rd *reader) rule(n ast.Node) rule {
	r := rule{line: outline.Line(n)}
	v := &r.verdict
	setters := map[string]func(ast.Node){
		"text": func(n ast.Node) {
			text := rd.needle(n)
			r.text, r.seeks = strings.ToLower(text), r.seeks+" "+strconv.Quote(text)
		},
		"token": func(n ast.Node) {
			token := rd.needle(n)
			r.token, r.seeks = strings.ToLower(token), r.seeks+" "+token
		},
		"enhanced":  func(n ast.Node) { r.enhanced = rd.enhanced(n) },
		"code":      func(n ast.Node) { r.code = rd.code(n) },
		"stage":     func(n ast.Node) { r.stages = rd.stages(n) },
		"class":     func(n ast.Node) { v.Class = oneOf(rd, n, Classes()) },
		"scope":     func(n ast.Node) { v.Scope = oneOf(rd, n, scopes()) },
		"wait":      func(n ast.Node) { v.Wait = rd.wait(n) },
		"until":     func(n ast.Node) { r.midnight = oneOf(rd, n, []string{"midnight"}) != "" },
		"human":     func(n ast.Node) { v.Human = rd.yes(n) },
		"final":     func(n ast.Node) { final := rd.yes(n); r.final = &final },
		"streak":    func(n ast.Node) { v.Streak = rd.count(n) },
		"reconnect": func(n ast.Node) { v.Reconnect = rd.yes(n) },
		"fewer":     func(n ast.Node) { v.Fewer = rd.yes(n) },
		"source":    func(n ast.Node) { v.Source = rd.word(n) },
	}
	r.set = rd.fields(n, setters)
	return r
}

// complete checks a rule as a whole and fills in what its class means.
func (rd *reader) complete(r *rule, title, source string) {
	v, has := &r.verdict, func(key string) bool { return slices.Contains(r.set, key) }
	if !has("text") && !has("token") && !has("enhanced") && !has("code") {
		rd.at(r.line, "the rule fits every answer").Hinted("name a text, a token, an enhanced code or a code")
	}
	if !has("class") {
		rd.at(r.line, "the rule has no class").Hinted("one of: %s", join(Classes()))
	}
	if has("wait") && has("until") {
		rd.at(r.line, "wait and until contradict each other")
	}
	means := meanings()[v.Class]
	for key, fill := range map[string]func(){
		"scope":     func() { v.Scope = means.Scope },
		"wait":      func() { v.Wait = means.Wait },
		"human":     func() { v.Human = means.Human },
		"streak":    func() { v.Streak = means.Streak },
		"reconnect": func() { v.Reconnect = means.Reconnect },
		"source":    func() { v.Source = source },
	} {
		if !has(key) {
			fill()
		}
	}
	if v.Human && !has("wait") {
		v.Wait = 0 // a person ends it, not a clock
	}
	v.Final, v.Rule = means.Final, r.name(title)
}

// name is what people find the rule by: its file and what it looks for.
func (r rule) name(title string) string {
	var name strings.Builder
	name.WriteString(title + r.seeks)
	for _, s := range []string{r.enhanced, r.code} {
		if s != "" {
			name.WriteString(" " + s)
		}
	}
	if len(r.stages) > 0 {
		name.WriteString(" at " + strings.ReplaceAll(join(r.stages), ", ", "/"))
	}
	return name.String()
}

// fits reports whether the rule is about this answer; lower is its text.
func (r rule) fits(a Answer, lower string) bool {
	return (len(r.stages) == 0 || a.Stage == "" || slices.Contains(r.stages, a.Stage)) &&
		(r.code == "" || fitsCode(r.code, a.Code)) &&
		(r.enhanced == "" || fitsEnhanced(r.enhanced, a.Enhanced)) &&
		strings.Contains(lower, r.text) &&
		(r.token == "" || hasToken(lower, r.token))
}

func fitsCode(pattern string, code int) bool {
	if strings.HasSuffix(pattern, "yz") {
		return strconv.Itoa(code/100) == pattern[:1]
	}
	return strconv.Itoa(code) == pattern
}

func fitsEnhanced(pattern, enhanced string) bool {
	want, got := strings.Split(pattern, "."), strings.Split(enhanced, ".")
	return slices.EqualFunc(want, got, func(w, g string) bool { return w == "x" || w == g })
}

func hasToken(s, token string) bool {
	for at := 0; ; at++ {
		i := strings.Index(s[at:], token)
		if i < 0 {
			return false
		}
		at += i
		if !alnumAt(s, at-1) && !alnumAt(s, at+len(token)) {
			return true
		}
	}
}

func alnumAt(s string, i int) bool {
	return i >= 0 && i < len(s) && (s[i] >= 'a' && s[i] <= 'z' || s[i] >= '0' && s[i] <= '9')
}

// untilMidnight is the wait until five minutes into the next day of China,
// which has no summer time and where those daily limits are counted.
func untilMidnight(now time.Time) time.Duration {
	now = now.In(time.FixedZone("UTC+8", 8*60*60))
	next := time.Date(now.Year(), now.Month(), now.Day()+1, 0, 5, 0, 0, now.Location())
	return next.Sub(now)
}
