package run

import (
	"context"
	"fmt"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/reply"
)

// A Suppressor knows who is not to be mailed. Suppressed is asked for every
// mail, right before its envelope is offered; Suppress is told of a mailbox that
// does not exist. See [ledger.Suppressor].
type Suppressor interface {
	Suppressed(ctx context.Context, list, address string) (ledger.Suppression, bool, error)
	Suppress(ctx context.Context, all ...ledger.Suppression) (added int, err error)
}

// suppressed settles a job whose recipient has left since the list was read,
// and reports whether that was so.
func (s *shift) suppressed(kept context.Context, j *job) (bool, error) {
	by, ok, err := s.leaver(kept, j)
	if err != nil || !ok {
		return false, err
	}
	return true, s.belt.settle(kept, j, ledger.Outcome{
		State: ledger.Suppressed, Reply: by.Why(), Rule: string(by.Source), At: time.Now(), Free: true,
	})
}

func (s *shift) leaver(kept context.Context, j *job) (ledger.Suppression, bool, error) {
	if s.run.Suppressor == nil {
		return ledger.Suppression{}, false, nil
	}
	by, ok, err := s.run.Suppressor.Suppressed(kept, s.run.List, j.Entry.Address)
	if err != nil {
		return by, false, fmt.Errorf("ledger: %w", err)
	}
	return by, ok && !reopened(j.Entry, by), nil
}

// reopened reports whether a person, after the bounce, said that the entry is to
// be tried again; nobody but a recipient's own wish stands against that.
func reopened(e ledger.Entry, by ledger.Suppression) bool {
	return by.Source == ledger.Bounce && !e.SettledAt.IsZero() && !e.SettledAt.Before(by.At)
}

// bounced suppresses the address of a mailbox that does not exist, on all
// lists: mail to such addresses is what providers judge a sender by. No other
// refusal says anything about the address.
func (s *shift) bounced(kept context.Context, j *job, v reply.Verdict, o ledger.Outcome) error {
	if s.run.Suppressor == nil || v.Class != reply.RcptPerm || o.State != ledger.Refused {
		return nil
	}
	_, err := s.run.Suppressor.Suppress(kept, ledger.Suppression{
		Address: j.Entry.Address, Source: ledger.Bounce, Reason: o.Reply, By: s.Account, At: o.At,
	})
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	return nil
}
