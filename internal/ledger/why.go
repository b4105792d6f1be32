package ledger

import (
	"strconv"
	"strings"
)

// This file is what hongyan itself writes down of a mail or an account beside a
// server's words, in English, and how whoever shows it reads it again, to say it in
// another language. [AbandonedWhy] and [Suppression.Why] are of the same kind.

// BrokenDown is the reply of a recipient whose mail was put down by a breakdown.
const BrokenDown = "breakdown before the body was whole"

// LinkLost is the class of a recipient, and the rule of a hold, that is due to a link
// that broke.
const LinkLost = "link-lost"

// GivenUp is the reply of a recipient who is not tried again after so many attempts,
// the last of which was answered so.
func GivenUp(attempts int, last string) string {
	return givenUp + strconv.Itoa(attempts) + afterAttempts + last
}

const givenUp, afterAttempts = "given up after ", " attempts: "

// ReadGivenUp makes of a reply what [GivenUp] was told, if it was that.
func ReadGivenUp(reply string) (attempts int, last string, ours bool) {
	said, ours := strings.CutPrefix(reply, givenUp)
	number, last, counted := strings.Cut(said, afterAttempts)
	attempts, err := strconv.Atoi(number)
	return attempts, last, ours && counted && err == nil
}

// LinksLost is the reason of a hold after so many links lost in a row.
func LinksLost(n int) string { return strconv.Itoa(n) + inARow }

const inARow = " links lost in a row"

// ReadLinksLost makes of a reason what [LinksLost] was told, if it was that.
func ReadLinksLost(reason string) (n int, ours bool) {
	number, ours := strings.CutSuffix(reason, inARow)
	n, err := strconv.Atoi(number)
	return n, ours && err == nil
}
