package main

import (
	"cmp"
	"strings"
)

// again is how a command line goes on with the same issue of the same campaign
// in the same ledger: what follows the command's own flags.
func (d *door) again(e *dispatch) string {
	words := d.sameLedger()
	if e.Key.Issue != cmp.Or(e.Campaign.Issue, "main") {
		words = append(words, "--issue", shellWord(e.Key.Issue))
	}
	return strings.Join(append(words, shellWord(e.Campaign.File)), " ")
}

// sameLedger are the flags that lead to the configuration and ledger of this call.
func (d *door) sameLedger() (words []string) {
	if d.flags.config != "" {
		words = append(words, "--config", shellWord(d.flags.config))
	}
	if d.flags.state != "" {
		words = append(words, "--state", shellWord(d.flags.state))
	}
	return words
}

// shellWord is s as a shell reads it.
func shellWord(s string) string {
	safe := func(r rune) bool {
		return r > 0x7f || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("@%+=:,./_-", r)
	}
	if s != "" && strings.TrimFunc(s, safe) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
