package run

import (
	"cmp"
	"context"
	"slices"
	"time"

	"hongyan/internal/ledger"
)

// A siding is where recipients wait whose domain has had its share, so that those
// behind them go on. They stay claimed, and the ledger hears nothing of it.
type siding struct {
	entries []ledger.Entry      // in the order of the list
	domains map[string]struct{} // of those that wait, or did a moment ago
	handed  time.Time           // when it was last emptied for the other lanes
}

// sidingRoom bounds what waits in memory; who finds it full is deferred.
const sidingRoom = 10_000

// park puts the job aside, unless there is no room.
func (b *belt) park(j *job) bool {
	b.mu.Lock()
	parked := b.siding.add(j.Entry, j.domain)
	b.mu.Unlock()
	if !parked {
		return false
	}
	if j.mail != nil {
		j.mail.Release()
	}
	b.count(-1)
	return true
}

func (s *siding) add(e ledger.Entry, domain string) bool {
	if len(s.entries) >= sidingRoom {
		return false
	}
	i, _ := slices.BinarySearchFunc(s.entries, e.ID, func(e ledger.Entry, id int64) int { return cmp.Compare(e.ID, id) })
	s.entries = slices.Insert(s.entries, i, e)
	s.domains[domain] = struct{}{}
	return true
}

// pass puts those of a claim aside at once whose domain is known to have had its
// share, and returns the others.
func (b *belt) pass(now time.Time, claimed []ledger.Entry) []ledger.Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(claimed, func(e ledger.Entry) bool {
		domain := domainOf(e.Address)
		_, known := b.siding.domains[domain]
		return known && b.closed(domain, now) > 0 && b.siding.add(e, domain)
	})
}

// closed is for how long a domain's own limits keep its mails; the account's do
// not count.
func (b *belt) closed(domain string, now time.Time) time.Duration {
	at, _ := b.lane.Pacer.Next(now, domain)
	whole, _ := b.lane.Pacer.Next(now, "")
	if !at.After(whole) {
		return 0
	}
	return at.Sub(now)
}

// back returns some of those whose domain is open again.
func (b *belt) back(now time.Time, room int) (some []ledger.Entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for domain := range b.siding.domains {
		if few := min(room-len(some), lot); few > 0 && b.closed(domain, now) == 0 {
			some = append(some, b.siding.take(domain, few)...)
		}
	}
	return some
}

// take removes the first few of a domain. One of which nobody waits any more is forgotten.
func (s *siding) take(domain string, n int) (some []ledger.Entry) {
	left := false
	s.entries = slices.DeleteFunc(s.entries, func(e ledger.Entry) bool {
		if domainOf(e.Address) != domain {
			return false
		}
		if left = len(some) == n; !left {
			some = append(some, e)
		}
		return !left
	})
	if !left {
		delete(s.domains, domain)
	}
	return some
}

// opens says how many wait, when the first of them may leave, and why not before.
func (b *belt) opens(now time.Time) (waiting int, at time.Time, why string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for domain := range b.siding.domains {
		if next, limit := b.lane.Pacer.Next(now, domain); at.IsZero() || next.Before(at) {
			at, why = next, limit
		}
	}
	return len(b.siding.entries), at, why
}

// idle is left when all that this lane could send waits for its domain: others
// may have it, and more may come yet.
func (b *belt) idle(ctx context.Context, at time.Time, why string, now time.Time) (time.Duration, bool, error) {
	wait := at.Sub(now)
	if wait <= long || !b.dry(now) {
		return min(max(wait, poll), dryAfter), true, nil
	}
	if b.run.Patience > 0 && wait > max(b.run.Patience, long) {
		b.early(Early{Account: b.lane.Account, Until: at, Why: why, Due: true})
		return 0, false, nil
	}
	b.run.tell(Waiting{Account: b.lane.Account, Until: at, Why: why, Due: true})
	if len(b.run.Lanes) == 1 {
		return dryAfter, true, nil
	}
	return 2 * poll, true, b.handOn(ctx, now)
}

// dryAfter is how long nothing could be claimed when a lane takes it that all
// there is waits on its siding: its own claims hide from it whether the list is
// still being read.
const dryAfter = 5 * time.Second

func (b *belt) dry(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.emptied.IsZero() && now.Sub(b.emptied) >= dryAfter
}

// handOn gives back all that wait, for the other lanes; not twice within a while.
func (b *belt) handOn(ctx context.Context, now time.Time) error {
	b.mu.Lock()
	if now.Sub(b.siding.handed).Abs() < dryAfter {
		b.mu.Unlock()
		return nil
	}
	b.siding.handed = now
	b.mu.Unlock()
	return b.release(ctx)
}

// release gives back all that wait.
func (b *belt) release(ctx context.Context) error {
	b.mu.Lock()
	ids := make([]int64, len(b.siding.entries))
	for i, e := range b.siding.entries {
		ids[i] = e.ID
	}
	b.siding.entries = nil
	b.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	return b.run.Ledger.Release(ctx, ids...)
}
