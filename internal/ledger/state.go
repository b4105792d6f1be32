package ledger

import "slices"

// A State is where a recipient stands. These are the words of the reports,
// the commands and the dashboard.
//
//	queued ─► sending ─► sent        settled
//	  │          ├─────► refused     settled: never again (bad address, content, too big …)
//	  │          ├─────► deferred    open: due again at a known time, by the same account
//	  │          └─────► in-doubt    open: handed over whole, no answer; a person decides
//	  ├────────────────► skipped     settled: the row could not become a mail; cured by editing
//	  └────────────────► suppressed  settled: unsubscribed or on the do-not-mail list
//
// An [Intent] leads from queued or deferred into sending and is durable before
// the last byte of the body can leave. An [Outcome] leads out of sending. It
// also leads from queued or deferred straight to refused, deferred, skipped or
// suppressed when the trouble came before any body: no intent was needed,
// since certainly nothing was sent. To sent and in-doubt there is no way
// around sending.
//
// Three ways are not events. A sending found when the ledger is opened becomes
// in-doubt, since whoever was sending it is dead. A person settles in-doubt as
// sent, or as deferred and due at once ([Auditor.Settle]). And a person reopens
// what was refused, as deferred and due at once ([Auditor.Reopen]).
// Enqueue alone leads back from skipped to queued ([Planner.Enqueue]).
//
// Once a message is taken for sent nothing leads out of that state.
type State string

// The states, in the order in which they are shown.
const (
	Queued     State = "queued"
	Sending    State = "sending"
	Sent       State = "sent"
	Refused    State = "refused"
	Deferred   State = "deferred"
	InDoubt    State = "in-doubt"
	Skipped    State = "skipped"
	Suppressed State = "suppressed"
)

// States returns all states in the order in which they are shown.
func States() []State {
	return []State{Queued, Sending, Sent, Refused, Deferred, InDoubt, Skipped, Suppressed}
}

// From returns the states that an event may lead out of into s: the state
// machine above, said once. It is empty for states that no event leads to.
func (s State) From() []State {
	switch s {
	case Sending:
		return []State{Queued, Deferred}
	case Sent, InDoubt:
		return []State{Sending}
	case Refused, Deferred:
		return []State{Queued, Sending, Deferred}
	case Skipped, Suppressed:
		return []State{Queued, Deferred}
	}
	return nil
}

// Settled reports whether the run has nothing more to do for the recipient.
func (s State) Settled() bool {
	return slices.Contains([]State{Sent, Refused, Skipped, Suppressed}, s)
}

// Open reports whether the recipient still waits: for its turn, an answer, its
// time or a person's word.
func (s State) Open() bool {
	return slices.Contains([]State{Queued, Sending, Deferred, InDoubt}, s)
}
