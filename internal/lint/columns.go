package lint

import (
	"slices"

	"hongyan/internal/fault"
)

// maxUnused is how many columns that nobody uses are named.
const maxUnused = 10

// Columns compares the list's columns with those that the campaign uses. A
// column that is used and not there is an error, one that is there and not
// used is good to know; of very many only the first are named. The caller counts
// the e-mail column as used.
func Columns(list, used []string) []Finding {
	var out []Finding
	for _, name := range used {
		if !slices.Contains(list, name) {
			out = append(out, Finding{
				Rule: columnUnknown.id, Severity: columnUnknown.severity,
				What: fault.Textf("the list has no column %q", name), Hint: meant(name, list),
			})
		}
	}
	unused := slices.DeleteFunc(slices.Clone(list), func(name string) bool { return slices.Contains(used, name) })
	for _, name := range unused[:min(len(unused), maxUnused)] {
		out = append(out, Found(columnUnused.id, fault.Textf("column %q is not used", name), fault.Text{}))
	}
	if more := len(unused) - maxUnused; more > 0 {
		out = append(out, Found(columnUnused.id, fault.Counted("%d more column is not used", "%d more columns are not used", more), fault.Text{}))
	}
	return out
}

func meant(name string, list []string) fault.Text {
	if near := fault.Near(name, list); near != "" {
		return fault.Textf("did you mean %q?", near)
	}
	return fault.Text{}
}
