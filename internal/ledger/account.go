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

// Keeps reports whether a deferred entry waits for the end of the hold and for
// nothing else: its account put it off for as long as the hold lasts, no later
// than that began, and it certainly cost no attempt. Once an entry was counted
// and its intent is there, only that of the very verdict is certain.
func (h Hold) Keeps(e Entry) bool {
	free := e.Attempts == 0 || e.Begun.IsZero() || e.Ended.Equal(h.Since)
	return free && e.State == Deferred && e.Account == h.Account &&
		!e.Ended.After(h.Since) && e.Due.Sub(e.Ended) == h.Until.Sub(h.Since)
}
