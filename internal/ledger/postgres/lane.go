package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"hongyan/internal/ledger"
)

// A Lane is an account, or one of the lanes that its work and its limits are
// split over; each lane is one process's at a time. Lanes of different splits of
// an account, the whole among them, are never had at the same time.
type Lane struct {
	Account string
	N, Of   int // 0 ≤ N < Of; the whole account is 0 of 1
}

// Whole is an account that is not split.
func Whole(account string) Lane { return Lane{account, 0, 1} }

// Lanes are those of an account that is split over n; the whole, if it is not.
func Lanes(account string, n int) []Lane {
	lanes := make([]Lane, max(n, 1))
	for i := range lanes {
		lanes[i] = Lane{account, i, len(lanes)}
	}
	return lanes
}

// String is the account's name, or of a lane "relay 2/4".
func (l Lane) String() string {
	if l.Of == 1 {
		return l.Account
	}
	return l.Account + " " + l.Part()
}

// Part is "2/4", or nothing where the account is not split.
func (l Lane) Part() string {
	if l.Of == 1 {
		return ""
	}
	return fmt.Sprintf("%d/%d", l.N+1, l.Of)
}

func (l Lane) elsewhere() error { return fmt.Errorf("account %s: %w", l, ledger.ErrElsewhere) }

// A Part is the ledger to whoever has one lane of each account that it works
// with. Everything else of the ledger is the whole's: entries bear the account's
// name, and a hold is of all lanes.
type Part struct {
	*Store
	n, of int
}

// Part is the ledger of the nth of so many lanes.
func (s *Store) Part(n, of int) *Part { return &Part{s, n, of} }

func (p *Part) lane(account string) Lane { return Lane{account, p.n, p.of} }

// Take takes the lane of an account. See [Store.Take].
func (p *Part) Take(ctx context.Context, account string) error {
	return p.takeLane(ctx, p.lane(account))
}

// HandBack gives the lane back. See [Store.HandBack].
func (p *Part) HandBack(ctx context.Context, account string) error {
	return p.handBack(ctx, p.lane(account))
}

// Has is the last look before a mail's body leaves. See [Store.Has].
func (p *Part) Has(account string) error { return p.has(p.lane(account)) }

// Claim offers entries to the lane, none while the account is held: whoever has
// another lane may have been told so by the server. See [ledger.Line].
func (p *Part) Claim(ctx context.Context, k ledger.Key, account string, n int, now time.Time) ([]ledger.Entry, error) {
	if held, err := p.held(ctx, account, now); held || err != nil {
		return nil, wrap("claim", err)
	}
	return p.claim(ctx, k, p.lane(account), n, now)
}

// held reports whether an account that is split is held.
func (p *Part) held(ctx context.Context, account string, now time.Time) (held bool, err error) {
	if p.of == 1 { // whoever has it knows
		return false, nil
	}
	holds, err := p.Holds(ctx)
	return slices.ContainsFunc(holds, func(h ledger.Hold) bool { return h.Account == account && h.Holds(now) }), err
}

// NextDue says what the lane may wait for. See [ledger.Line].
func (p *Part) NextDue(ctx context.Context, k ledger.Key, account string) (time.Time, bool, error) {
	return p.awaited(ctx, k, p.lane(account))
}

// Record writes events of the lane. See [ledger.Line].
func (p *Part) Record(_ context.Context, events ...ledger.Event) error {
	return p.record(p.lane, events)
}

// History returns when the attempts began that count against the lane's share of
// the account's limits. See [Reader.began].
func (p *Part) History(ctx context.Context, account string, since time.Time) ([]time.Time, error) {
	return p.began(ctx, p.lane(account), since)
}

// began returns when attempts began, oldest first: the lane's own, and its share of
// those that were made under another split. Those are dealt out to the lanes one
// by one, the latest first; they do not get more while any lane of this split is
// had, so all lanes deal alike. What is left over of a limit goes to the first
// lanes, and so does the first of each deal: if all of them were within a limit,
// the share of each lane is within its share of it, in whatever window.
func (r *Reader) began(ctx context.Context, l Lane, since time.Time) ([]time.Time, error) {
	rows, err := r.pool.Query(ctx, `WITH who AS MATERIALIZED (SELECT id, lanes <> $4 AS foreign_one FROM account
			WHERE name = $1 AND (lane = $3 OR lanes <> $4)),
		lately AS MATERIALIZED (SELECT id << 32 AS low, (id << 32) + 4294967295 AS high FROM issue WHERE touched >= $2)
		SELECT d.begun, who.foreign_one FROM lately, who, delivery d WHERE d.id BETWEEN lately.low AND lately.high
			AND d.begun >= $2 AND d.begun > 0 AND d.account = who.id
		UNION ALL
		SELECT a.begun, who.foreign_one FROM lately, who, attempt a WHERE a.id BETWEEN lately.low AND lately.high
			AND a.begun >= $2 AND a.begun > 0 AND a.account = who.id
		ORDER BY 1 DESC`, l.Account, millis(since), l.N, l.Of)
	if err != nil {
		return nil, wrap("read the history of "+l.String(), err)
	}
	var out []time.Time
	var at int64
	var foreign bool
	dealt := 0
	_, err = pgx.ForEachRow(rows, []any{&at, &foreign}, func() error {
		if foreign {
			dealt++
		}
		if !foreign || (dealt-1)%l.Of == l.N {
			out = append(out, instant(at))
		}
		return nil
	})
	slices.Reverse(out)
	return out, wrap("read the history of "+l.String(), err)
}
