package postgres

import (
	"context"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"

	"hongyan/internal/ledger"
)

// An enquiry asks whether an address gets no mail. Many are asked together: every
// mail costs an enquiry, but hardly any a round trip of its own.
type enquiry struct {
	list, address string
	answer        chan<- verdict // of one
}

type verdict struct {
	found ledger.Suppression
	ok    bool
	err   error
}

// Suppressed says whether an address gets no mail. See [ledger.Suppressor]; what
// another process has written is seen within a tenth of a second.
func (s *Store) Suppressed(ctx context.Context, list, address string) (ledger.Suppression, bool, error) {
	if s.slate.clears(text(ledger.Folded(address)), time.Now()) {
		return ledger.Suppression{}, false, nil
	}
	answer := make(chan verdict, 1)
	select {
	case s.enquiries <- enquiry{list, address, answer}:
	case <-s.closed:
		return ledger.Suppression{}, false, errClosed
	case <-ctx.Done():
		return ledger.Suppression{}, false, context.Cause(ctx)
	}
	v := <-answer
	return v.found, v.ok, wrap("look up the suppression of "+address, v.err)
}

// enquire answers until the store is closed. Where several ask, they are given
// about the time of an answer to come together; who asked alone is not kept.
func (s *Store) enquire() {
	var patience time.Duration
	for {
		select {
		case one := <-s.enquiries:
			all := append([]enquiry{one}, s.others(patience)...)
			begun := time.Now()
			s.answer(all)
			patience = 0
			if len(all) > 1 {
				patience = min(time.Since(begun), time.Millisecond)
			}
		case <-s.closed:
			return
		}
	}
}

// others are the enquiries that come within a while.
func (s *Store) others(while time.Duration) (all []enquiry) {
	runtime.Gosched() // whoever is about to ask does
	over := time.After(while)
	for {
		select {
		case one := <-s.enquiries:
			all = append(all, one)
		case <-over:
			return all
		}
	}
}

// answer is given for no longer than the leases last: an account that was lost
// meanwhile sends nothing.
func (s *Store) answer(all []enquiry) {
	ctx, cancel := context.WithTimeout(context.Background(), s.lease)
	defer cancel()
	var lists, addresses []string
	for _, one := range all {
		lists, addresses = append(lists, one.list), append(addresses, one.address)
	}
	var b pgx.Batch
	census := s.slate.renewed(&b) // first, so that it is not newer than the answers
	found := suppressed(&b, lists, addresses)
	err := s.pool.SendBatch(ctx, &b).Close()
	if err == nil {
		s.slate.note(*census)
	}
	for i, one := range all {
		by, ok := found[i]
		one.answer <- verdict{by, ok, err}
	}
}
