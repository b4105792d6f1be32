package lint

import (
	"slices"

	"hongyan/internal/fault"
)

// Columns compares the list's columns with those that the campaign uses. A
// column that is used and not there is an error, one that is there and not
// used is good to know. The caller counts the e-mail column as used.
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
	for _, name := range list {
		if !slices.Contains(used, name) {
			out = append(out, Finding{
				Rule: columnUnused.id, Severity: columnUnused.severity,
				What: fault.Textf("column %q is not used", name),
			})
		}
	}
	return out
}

func meant(name string, list []string) fault.Text {
	if near := fault.Near(name, list); near != "" {
		return fault.Textf("did you mean %q?", near)
	}
	return fault.Text{}
}
