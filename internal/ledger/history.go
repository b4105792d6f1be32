package ledger

import "time"

// An Attempt is an earlier try of an entry, kept when a later one took its
// place. Its fields are those of [Entry].
type Attempt struct {
	Account   string
	MessageID string
	Begun     time.Time // zero when the server saw nothing of it
	Ended     time.Time
	Stage     string
	Code      int
	Enhanced  string
	Reply     string
	Class     string
	Rule      string
	Bytes     int64
	SettledBy string
	SettledAt time.Time
}

// A Moment is one step of an issue's time: the entries whose last event, an
// outcome or else an intent, fell in it, counted by the state they are in now.
type Moment struct {
	At     time.Time // the step's begin: a whole number of steps since 1970 UTC
	Totals           // Rows is their number
}
