// Package run sends one issue of one campaign, start to finish.
//
// It is the only room that knows the whole line:
//
//	ledger.Claim → Mailing.Compose → Pacer → Session.Offer → ledger (intent, durable)
//	  → Session.Deliver → verdict → ledger (outcome, durable) → heed the verdict
//
// The intent is durable before the body leaves and the outcome is durable
// before the same connection's next body does; so whatever happens, at most
// one mail a connection is in doubt, and the ledger says which.
//
// It knows no files, flags or configuration, and neither which store nor which
// kind of sender it has.
package run

import (
	"context"
	"errors"
	"sync"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/message"
	"hongyan/internal/reply"
)

// A Line is what a run needs of the ledger.
type Line interface {
	ledger.Line
	// Hold writes down that an account must not send; durable when it returns.
	Hold(ctx context.Context, h ledger.Hold) error
}

// A Session is one connection of an account, kept alive by its sender.
//
// Offer hands over the envelope; nil means the server waits for the body.
// It may dial, and ends early with ctx. Deliver hands over the body of the mail
// just offered and returns the answer to its final dot; next, when not nil, may
// ride behind it, and its Offer then returns what the server said already.
// Errors are the facts of package reply: *Refusal, *Lost, *Doubt; anything else
// is a breakdown. Pipelines reports whether a mail may ride behind the next
// one, Riding whether one does now. Close lets go of the connection and of what
// rides; the session may be used again.
type Session interface {
	Offer(ctx context.Context, m *message.Message) error
	Deliver(ctx context.Context, next *message.Message) (reply.Answer, error)
	Pipelines() bool
	Riding() bool
	Close() error
}

// A Sender opens sessions of one account.
type Sender interface {
	Open() Session
}

// A Pacer says when the account may send. Next decides and changes nothing;
// Take takes the turn if the mail may leave at now. Held reports whether a hold
// keeps the account silent. Succeeded, Throttled and Unclear tell the result of a
// mail that had its turn. All are safe for concurrent use.
type Pacer interface {
	Next(now time.Time, domain string) (at time.Time, why string)
	Take(now time.Time, domain string) bool
	Hold(until time.Time, why string)
	Held(now time.Time) (until time.Time, why string, held bool)
	Succeeded(now time.Time)
	Throttled(now time.Time)
	Unclear()
}

// A Run is one issue on its way over the lanes of its accounts.
type Run struct {
	Key    ledger.Key
	Ledger Line
	Lanes  []*Lane
	// List is whose suppressions count, beside those of all lists. Suppressor,
	// when not nil, knows them.
	List       string
	Suppressor Suppressor
	// Retry says after how long a recipient is due again that was put off for
	// the n-th time; false: give up and let it be refused.
	Retry func(n int) (time.Duration, bool)
	// Patience is the longest wait for a limit that a lane accepts; beyond it, at
	// a hold, and when all that is left was put off, the lane ends early. Zero
	// waits as long as it takes.
	Patience time.Duration
	// Stop, when closed, ends the run after the mails in flight.
	Stop <-chan struct{}
	// Watch, when not nil, is told what happens, from many goroutines.
	Watch func(Event)
}

// An Event is something worth showing while a run goes on: *Settled, which nobody
// changes any more, Waiting or TurnedAway.
type Event interface{ event() }

// Settled says that an entry got an outcome.
type Settled struct {
	Entry   ledger.Entry // as it was claimed
	Outcome ledger.Outcome
	Steps   Steps
}

// Steps are when one try of a recipient came how far; zero are those that it did
// not come to. The server's last word came at the outcome's own time.
type Steps struct {
	Claimed  time.Time // composing began
	Composed time.Time
	Turn     time.Time // the pacer let it go
	Offer    time.Time // its offer began
	Offered  time.Time // the server waits for the body
	Begun    time.Time // the intent is durable
	Settled  time.Time // the outcome is durable
}

// Waiting says that an account is silent until a time, and why.
type Waiting struct {
	Account string
	Until   time.Time
	Why     string
	Held    bool // by a verdict, not by a limit
	Due     bool // all that is left are recipients that were put off until then
}

// TurnedAway says that the server took no more than some connections of an account
// at once; one more is tried after Until.
type TurnedAway struct {
	Account string
	Others  int // that are open
	Until   time.Time
	Why     string
}

func (*Settled) event()   {}
func (Waiting) event()    {}
func (TurnedAway) event() {}

// An Early is a lane that ended before its work: the next mail may leave at
// Until, or when a person has acted if Human is set.
type Early struct {
	Account string
	Until   time.Time
	Why     string
	Human   bool
	Held    bool // by a verdict, not by a limit
	Due     bool // all that was left are recipients that were put off until then
}

// A Stopped is the error of a run that a verdict ended: a person has to change
// something before it can go on.
type Stopped struct {
	Account string
	Verdict reply.Verdict
	Refusal *reply.Refusal
}

func (s *Stopped) Error() string {
	return "account " + s.Account + ": " + s.Refusal.Error()
}

// errStop is the cause of an end that was asked for.
var errStop = errors.New("stopped on request")

// Do carries every open recipient of the issue down the line and returns which
// lanes ended early. Its error is a breakdown, a *Stopped, or the cause of ctx.
// A ledger that cannot be written ends the run: without memory, no mail.
func (r *Run) Do(ctx context.Context) ([]Early, error) {
	soft, end := context.WithCancelCause(ctx)
	defer end(nil)
	detach := r.heedStop(soft, end)
	defer detach()

	var lanes sync.WaitGroup
	early := make([]*Early, len(r.Lanes))
	for i, lane := range r.Lanes {
		lanes.Go(func() {
			var err error
			if early[i], err = lane.drive(ctx, soft, r); err != nil {
				end(err)
			}
		})
	}
	lanes.Wait()
	return told(early), r.ending(ctx, soft)
}

// heedStop ends soft when Stop is closed; the returned function waits for it to let go.
func (r *Run) heedStop(soft context.Context, end context.CancelCauseFunc) (detach func()) {
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-r.Stop:
			end(errStop)
		case <-soft.Done():
		case <-done:
		}
	})
	return func() { close(done); watch.Wait() }
}

func (r *Run) ending(ctx, soft context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if cause := context.Cause(soft); cause != nil && !errors.Is(cause, errStop) {
		return cause
	}
	if soft.Err() != nil {
		return context.Canceled
	}
	return nil
}

func told(early []*Early) []Early {
	var out []Early
	for _, e := range early {
		if e != nil {
			out = append(out, *e)
		}
	}
	return out
}

func (r *Run) tell(e Event) {
	if r.Watch != nil {
		r.Watch(e)
	}
}
