// Package board is where those who work on a shared ledger tell each other, and
// everybody, what they are up to: who cannot do what, which accounts have come to
// their limits, and who wants an account for an errand. All of it is papers on the
// ledger's shelves, and none of it is believed for longer than it says.
//
// It must never act on what it reads.
package board

// The shelves, and how a paper is called and written, are what workers of several
// releases have in common.
const (
	rests    = "resting"
	errands  = "errand"
	troubles = "trouble"
)
