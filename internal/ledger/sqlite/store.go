package sqlite

import (
	"fmt"
	"slices"
	"time"

	"hongyan/internal/ledger"
)

// The states by number, in the order of [ledger.States]. The numbers stand in
// the tables: they never change, new ones are added at the end.
const (
	queued = iota
	sending
	sent
	refused
	deferred
	inDoubt
	skipped
	suppressed
)

func number(s ledger.State) int { return slices.Index(ledger.States(), s) }

// state is what the tables' number means; an unknown one shows itself.
func state(n int) ledger.State {
	if all := ledger.States(); 0 <= n && n < len(all) {
		return all[n]
	}
	return ledger.State(fmt.Sprintf("state %d", n))
}

// mask has a bit set for the number of every state.
func mask(states []ledger.State) int {
	m := 0
	for _, s := range states {
		if n := number(s); n >= 0 {
			m |= 1 << n
		}
	}
	return m
}

// first and last bound the ids of an issue's entries.
func first(issue int64) int64 { return issue << 32 }
func last(issue int64) int64  { return issue<<32 | (1<<32 - 1) }

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
