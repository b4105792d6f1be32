package ledger

import "time"

// A Hold stops an account, not its recipients: everybody it would have mailed
// waits, or flows to another account when nobody has tried them yet.
type Hold struct {
	Account string
	Until   time.Time // when it ends by itself; not meant when Human is set
	Since   time.Time
	Reason  string // in a sentence, for people
	Rule    string // that asked for it
	Reply   string // the server's words
	Human   bool   // it ends only when a person acts
}

// Holds reports whether the hold still stands at now.
func (h Hold) Holds(now time.Time) bool { return h.Human || now.Before(h.Until) }
