package office

import "hongyan/internal/ledger"

// An Event is what the office tells: Started, Ended, Halted, Held or Freed.
type Event interface{ event() }

// Started says that an issue came on the floor.
type Started struct{ Key ledger.Key }

// Ended says that an issue has nothing left to send.
type Ended struct {
	Key    ledger.Key
	Totals ledger.Totals
	Err    error // of what ran beside it, such as its report, at the very end
}

// Halted says that an issue left the floor before its end.
type Halted struct {
	Key   ledger.Key
	Pause Pause
}

// Held says that an account is silent by a hold.
type Held struct{ Hold ledger.Hold }

// Freed says that an account's hold is over or was lifted.
type Freed struct{ Account string }

func (Started) event() {}
func (Ended) event()   {}
func (Halted) event()  {}
func (Held) event()    {}
func (Freed) event()   {}
