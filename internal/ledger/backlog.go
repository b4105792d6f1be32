package ledger

import "time"

// A Backlog is what of an issue could leave now and is in nobody's hands: how
// deep a queue that many processes work on is, and for how long it has waited.
type Backlog struct {
	Key
	// Account has tried them and alone may again; "" are untouched ones, which any
	// account of the issue may take.
	Account string
	Due     int       // entries
	Since   time.Time // when the first of them came due: of untouched ones, when the issue was planned
}
