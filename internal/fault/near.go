package fault

import (
	"strings"
	"unicode/utf8"
)

// Near returns the one among the known words that the user probably meant: the
// closest by typing slips (a letter wrong, missing, too many, or two swapped),
// whatever its case; the first of equals, "" when none is near.
func Near(word string, among []string) string {
	best, least := "", 1<<30
	for _, known := range among {
		longer := max(utf8.RuneCountInString(word), utf8.RuneCountInString(known))
		d := slips(strings.ToLower(word), strings.ToLower(known), allowed(longer))
		if d <= allowed(longer) && d < longer && d < least {
			best, least = known, d
		}
	}
	return best
}

// allowed is how many slips a word of n letters may have: one in three, and a
// short word one, so that 性名 finds 姓名 and "id" does not find "to".
func allowed(n int) int { return min(max(n/3, 1), 3) }

// slips is the Damerau-Levenshtein distance (optimal string alignment); a
// distance beyond limit may come out as any number beyond it.
func slips(a, b string, limit int) int {
	s, t := []rune(a), []rune(b)
	if len(s)-len(t) > limit || len(t)-len(s) > limit {
		return limit + 1
	}
	before, above, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range above {
		above[j] = j
	}
	for i := range s {
		row[0] = i + 1
		for j := range t {
			cost := 1
			if s[i] == t[j] {
				cost = 0
			}
			row[j+1] = min(above[j]+cost, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && s[i] == t[j-1] && s[i-1] == t[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above, row = above, row, before
	}
	return above[len(t)]
}
