package render

import (
	"regexp"
	"slices"
	"strings"
	"text/template"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"

	"hongyan/internal/fault"
)

// Function is a function of templates. The value comes last, so that it can
// also come through a pipe: {{.when | date "1月2日"}}.
type Function struct {
	Name    string
	Usage   string // how it is called
	Example string // a call and what it prints, divided by " → "
	Doc     string
	call    any // nil: text/template has it, or it is rewritten
}

// Functions returns the functions of templates in the order to show them.
func Functions() []Function {
	return []Function{
		{"or", "or A B…", `{{or .name "朋友"}} → 朋友`, "the first that is not empty: a default for an empty field", nil},
		{"default", "default D V", `{{.name | default "朋友"}} → 朋友`, "V, or D when V is empty", orDefault},
		{"field", "field NAME", `{{field "Order No."}} → A-17`, "a column whose name has blanks or punctuation", nil},
		{"unsubscribe_url", "unsubscribe_url", `[退订]({{unsubscribe_url}})`, "the page on which the recipient leaves the list; empty unless unsubscribe.url is set", nil},
		{"download", "download NAME", `[下载手册]({{download "brochure.pdf"}})`, "where an attachment is that goes as a link (as: link in the campaign)", nil},
		{"date", "date LAYOUT V", `{{date "2006年1月2日 星期一" .day}} → 2026年11月23日 星期一`, "a date, its layout written as 2 January 2006 was a Monday (星期一, 周一), 15:04:05", formatDate},
		{"money", "money [SIGN] V", `{{money .sum}} → ¥1,234.50`, "an amount with two decimals and the sign ¥ or another", money},
		{"rmb", "rmb V", `{{rmb .sum}} → 壹仟贰佰叁拾肆元伍角整`, "an amount in Chinese capitals", rmb},
		{"num", "num [DECIMALS] V", `{{num 1 .n}} → 1,234.5`, "a number with thousands divided, rounded to DECIMALS", num},
		{"int", "int V", `{{if gt (int .n) 3}}…{{end}}`, "a whole number to compare or count with; empty is 0", toInt},
		{"upper", "upper V", `{{upper .code}} → AB-1`, "capital letters", strings.ToUpper},
		{"lower", "lower V", `{{lower .code}} → ab-1`, "small letters", strings.ToLower},
		{"title", "title V", `{{title .name}} → Ada Lovelace`, "each word with a capital letter", title},
		{"trim", "trim V", `{{trim .name}} → Li`, "without blanks at both ends", strings.TrimSpace},
		{"replace", "replace OLD NEW V", `{{replace "-" "/" .day}} → 2026/11/23`, "every OLD becomes NEW", replace},
		{"split", "split SEPARATOR V", `{{range split ";" .items}}- {{.}}{{end}}`, "the parts of V without blanks around them; nothing for an empty V", split},
		{"join", "join SEPARATOR LIST", `{{split ";" .items | join "、"}} → 笔、纸`, "the parts as one text", join},
		{"contains", "contains PART V", `{{if contains "VIP" .tags}}…{{end}}`, "whether V contains PART", contains},
		{"hasPrefix", "hasPrefix PART V", `{{if hasPrefix "A-" .no}}…{{end}}`, "whether V begins with PART", hasPrefix},
		{"hasSuffix", "hasSuffix PART V", `{{if hasSuffix ".cn" .site}}…{{end}}`, "whether V ends with PART", hasSuffix},
		{"pad", "pad WIDTH V", `{{pad 6 "汉字"}}| → 汉字  |`, "blanks after V up to WIDTH columns (汉字 are two each), before V when WIDTH is negative", pad},
		{"qr", "qr V", `![签到码]({{qr .url}})`, "V as a QR code, an inline image", trustString},
		{"markdown", "markdown V", `{{markdown .bio}}`, "V is Markdown and is trusted: only for lists that you wrote", trustString},
		{"printf", "printf FORMAT V…", `{{printf "%03d" (int .n)}} → 007`, "V in a format of Go's fmt", safePrintf},
		{"len", "len V", `{{if gt (len .tags) 0}}…{{end}}`, "bytes of a text, elements of a list", nil},
		{"index", "index LIST N", `{{index (split ";" .items) 0}} → 笔`, "one element, from 0", nil},
		{"eq", "eq A B", `{{if eq .city "北京"}}…{{end}}`, "comparisons: eq, ne, lt, le, gt, ge", nil},
		{"and", "and A B…", `{{if and .name .city}}…{{end}}`, "logic: and, or, not", nil},
	}
}

// builtins are the functions of text/template that stay.
var builtins = strings.Fields("and or not eq ne lt le gt ge len index slice print println printf")

func knownFunctions() []string {
	out := slices.Clone(builtins)
	for _, f := range Functions() {
		out = append(out, f.Name)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func callables() template.FuncMap {
	out := template.FuncMap{}
	for _, f := range Functions() {
		if f.call != nil {
			out[f.Name] = f.call
		}
	}
	return out
}

func orDefault(fallback, v any) any {
	if truth, ok := template.IsTrue(v); ok && truth {
		return v
	}
	return fallback
}

// trustString returns its value: what the function means is seen in the
// template, not in the value.
func trustString(v string) string { return v }

// title capitalises per call: a Caser has state.
func title(v string) string { return cases.Title(language.Und, cases.NoLower).String(v) }

func replace(old, with, v string) string { return strings.ReplaceAll(v, old, with) }

func split(separator, v string) []string {
	var out []string
	for part := range strings.SplitSeq(v, separator) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

func join(separator string, list []string) string { return strings.Join(list, separator) }

func contains(part, v string) bool  { return strings.Contains(v, part) }
func hasPrefix(part, v string) bool { return strings.HasPrefix(v, part) }
func hasSuffix(part, v string) bool { return strings.HasSuffix(v, part) }

const maxPad = 200

func pad(width int, v string) (string, error) {
	if width > maxPad || width < -maxPad {
		return "", fault.At("", 0, "pad: %d is more than %d columns", width, maxPad)
	}
	have := displayWidth([]byte(v))
	if width < 0 {
		return strings.Repeat(" ", max(-width-have, 0)) + v, nil
	}
	return v + strings.Repeat(" ", max(width-have, 0)), nil
}

var wideVerb = regexp.MustCompile(`[0-9]{4,}|%[^%a-zA-Z]*\*`)

// safePrintf refuses the widths by which a short format makes a huge text.
func safePrintf(format string, args ...any) (string, error) {
	if wideVerb.MatchString(format) {
		return "", fault.At("", 0, "printf: the width in %q is too large", format)
	}
	return sprintf(format, args...), nil
}
