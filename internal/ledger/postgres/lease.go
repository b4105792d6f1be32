package postgres

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"hongyan/internal/ledger"
)

// A lease is an account that this process has, or had.
type lease struct {
	lane          Lane
	number, epoch int64
	renewed       time.Time // on this process's own monotonic clock, before it asked
	lost          bool
}

// margin is how long before the end of a lease nothing is begun any more.
func (s *Store) margin() time.Duration { return s.lease / 6 }

// fresh reports whether the lease certainly still stands, by a clock that also
// counts for a process that was frozen.
func (s *Store) fresh(l *lease) bool {
	return !l.lost && time.Since(l.renewed) < s.lease-s.margin()
}

// Take takes an account for this process, under a new epoch. What an earlier
// owner had claimed goes back, and what it was sending becomes a doubt. While
// somebody else has it, or this process itself has not handed it back, the error
// is a [ledger.ErrElsewhere].
func (s *Store) Take(ctx context.Context, account string) error {
	return s.takeLane(ctx, Whole(account))
}

func (s *Store) takeLane(ctx context.Context, lane Lane) error {
	s.taking.Lock()
	defer s.taking.Unlock()
	return s.take(ctx, lane)
}

func (s *Store) take(ctx context.Context, lane Lane) error {
	if s.known(lane) != nil {
		return lane.elsewhere()
	}
	id, err := s.account(ctx, lane)
	if err != nil {
		return wrap("take account "+lane.String(), err)
	}
	l := &lease{lane: lane, number: id, renewed: time.Now()}
	err = s.grant(ctx, l)
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok && refusal.Code == lockNotAvailable {
		// Its owner's lease is over, yet it holds a lock: it was frozen in the
		// middle of a transaction. It has nothing to say any more.
		if err = s.evict(ctx, id); err == nil {
			err = s.grant(ctx, l)
		}
	}
	if err != nil {
		return wrap("account "+lane.String(), err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leases[lane] = l
	return nil
}

const lockNotAvailable = "55P03"

func (s *Store) grant(ctx context.Context, l *lease) error {
	return s.transact(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '2s'`); err != nil {
			return err
		}
		if otherwise, err := split(ctx, tx, l.lane); otherwise || err != nil {
			return cmp.Or(err, ledger.ErrElsewhere)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO lease (account, epoch, owner, until)
			VALUES ($1, 0, '', '-infinity') ON CONFLICT DO NOTHING`, l.number); err != nil {
			return err
		}
		var before int64
		var owner string
		var over bool
		if err := tx.QueryRow(ctx, `SELECT epoch, owner, until <= clock_timestamp() FROM lease
			WHERE account = $1 FOR UPDATE`, l.number).Scan(&before, &owner, &over); err != nil {
			return err
		}
		if owner != "" && owner != s.me && !over {
			return ledger.ErrElsewhere
		}
		if err := sweep(ctx, tx, before); err != nil {
			return err
		}
		return tx.QueryRow(ctx, `UPDATE lease SET epoch = nextval('epoch'), owner = $2,
			until = clock_timestamp() + $3::interval WHERE account = $1 RETURNING epoch`, l.number, s.me, s.lease).Scan(&l.epoch)
	})
}

// split reports whether somebody has the account split otherwise. Whoever would
// take any lane of it waits here.
func split(ctx context.Context, tx pgx.Tx, lane Lane) (otherwise bool, err error) {
	if _, err := tx.Exec(ctx, `SELECT 1 FROM account WHERE name = $1 AND lanes = 1 FOR UPDATE`, lane.Account); err != nil {
		return false, err
	}
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM lease l JOIN account a ON a.id = l.account
		WHERE a.name = $1 AND a.lanes <> $2 AND l.owner <> '' AND l.until > clock_timestamp())`, lane.Account, lane.Of).Scan(&otherwise)
	return otherwise, err
}

// evict ends the connections of an account's owner, if its lease is over.
func (s *Store) evict(ctx context.Context, account int64) error {
	_, err := s.pool.Exec(ctx, `SELECT pg_terminate_backend(a.pid) FROM lease l
		JOIN pg_stat_activity a ON a.application_name = 'hongyan ' || l.owner
		WHERE l.account = $1 AND l.owner <> $2 AND l.until <= clock_timestamp() AND a.usename = current_user`, account, s.me)
	return err
}

// sweep puts the work of an epoch that is over in order: claimed goes back,
// sending becomes a doubt. Nothing is ever sent by it, or made to be sent again.
// A doubt keeps its epoch, so that a late result of its own sender settles it.
func sweep(ctx context.Context, tx pgx.Tx, epoch int64) error {
	_, err := tx.Exec(ctx, `WITH gone AS (DELETE FROM span WHERE epoch = $1 RETURNING low, high),
		over AS (UPDATE delivery SET state = CASE state WHEN 1 THEN 5 ELSE state END, claim = CASE state WHEN 1 THEN claim ELSE 0 END
			WHERE claim = $1 AND state IN (0, 1) AND id = ANY(ARRAY(SELECT d.id FROM gone CROSS JOIN LATERAL
				(SELECT id FROM delivery WHERE id BETWEEN low AND high AND claim = $1 AND state IN (0, 1) OFFSET 0) AS d))
			RETURNING id, state),
		said AS (INSERT INTO answer (id, stage, reply) SELECT id, $2, $3 FROM over WHERE state = 5
			ON CONFLICT (id) DO UPDATE SET stage = excluded.stage, reply = excluded.reply)
		INSERT INTO loose (issue, id) SELECT id >> 32, id FROM over WHERE state = 0 ON CONFLICT DO NOTHING`,
		epoch, ledger.AbandonedAt, ledger.AbandonedWhy)
	return err
}

// HandBack gives an account back: another process may have it at once.
func (s *Store) HandBack(ctx context.Context, account string) error {
	return s.handBack(ctx, Whole(account))
}

func (s *Store) handBack(ctx context.Context, lane Lane) error {
	s.mu.Lock()
	l := s.leases[lane]
	delete(s.leases, lane)
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	err := s.transact(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE lease SET owner = '', until = '-infinity' WHERE account = $1 AND epoch = $2`,
			l.number, l.epoch)
		if err != nil || tag.RowsAffected() == 0 {
			return err // somebody took it over, and swept behind us
		}
		return sweep(ctx, tx, l.epoch)
	})
	s.forget(l, err != nil)
	return wrap("hand account "+lane.String()+" back", err)
}

// remembered is how many lost epochs are kept for results that come late.
const remembered = 256

// forget is the end of a lease in memory.
func (s *Store) forget(l *lease, late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, desk := range s.desks {
		maps.DeleteFunc(desk, func(_ int64, o offer) bool { return o.epoch == l.epoch })
	}
	if late || l.lost {
		s.past = append(s.past, l.epoch)
		s.past = s.past[max(0, len(s.past)-remembered):]
	}
}

// Reap puts the accounts of processes that died in order, whether or not
// anybody wants them next, and returns how many there were.
func (s *Store) Reap(ctx context.Context) (int, error) {
	n := 0
	err := s.transact(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT epoch FROM lease WHERE owner <> '' AND until <= clock_timestamp()
			FOR UPDATE SKIP LOCKED`)
		if err != nil {
			return err
		}
		epochs, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		for _, epoch := range epochs {
			if err := sweep(ctx, tx, epoch); err != nil {
				return err
			}
		}
		n = len(epochs)
		_, err = tx.Exec(ctx, `UPDATE lease SET owner = '', until = '-infinity' WHERE epoch = ANY($1)`, epochs)
		return err
	})
	return n, wrap("put the accounts of dead workers in order", err)
}

// renew keeps what this process has for as long as it lives.
func (s *Store) renew(ctx context.Context) {
	ticker := time.NewTicker(s.lease / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.renewOnce(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// renewOnce has no error: what it could not renew ends by itself, and whoever
// asks next is told.
func (s *Store) renewOnce(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.lease/2)
	defer cancel()
	had, asked := s.held(), time.Now()
	epochs := make([]int64, len(had))
	for i, l := range had {
		epochs[i] = l.epoch
	}
	if _, err := s.pool.Exec(ctx, `UPDATE worker SET until = clock_timestamp() + $2::interval WHERE id = $1`, s.me, s.lease); err != nil {
		return
	}
	// By epoch: what could not be handed back is this process's own there, and has to end.
	rows, err := s.pool.Query(ctx, `UPDATE lease SET until = clock_timestamp() + $3::interval
		WHERE owner = $1 AND epoch = ANY($2) AND until > clock_timestamp() RETURNING epoch`, s.me, epochs, s.lease)
	if err != nil {
		return
	}
	kept, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range had {
		if slices.Contains(kept, l.epoch) {
			l.renewed = asked
		} else {
			l.lost = true
		}
	}
}

// held lists the leases of this process that are not lost.
func (s *Store) held() []*lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Collect(maps.Values(s.leases)), func(l *lease) bool { return l.lost })
}

// mine lists the lanes that this process has.
func (s *Store) mine() []Lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.leases))
}

// Has is nil while an account certainly is this process's own. It asks nobody:
// this is the last look before a mail's body leaves.
func (s *Store) Has(account string) error { return s.has(Whole(account)) }

func (s *Store) has(lane Lane) error {
	if l := s.known(lane); l != nil && s.fresh(l) {
		return nil
	}
	return lane.elsewhere()
}

// leased returns the lease of an account. One that was never taken is taken
// now; one that was lost is not, since its owner has to learn first what
// happened meanwhile.
func (s *Store) leased(ctx context.Context, lane Lane) (lease, error) {
	s.taking.Lock()
	defer s.taking.Unlock()
	if s.known(lane) == nil {
		if err := s.take(ctx, lane); err != nil {
			return lease{}, err
		}
	}
	if l := s.known(lane); l != nil && s.fresh(l) {
		return *l, nil
	}
	return lease{}, lane.elsewhere()
}

// known returns a copy of what this process knows of its lease of an account.
func (s *Store) known(lane Lane) *lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.leases[lane]; l != nil {
		known := *l
		return &known
	}
	return nil
}

// epochs are those whose entries this process may speak for.
func (s *Store) epochs() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.past)
	for _, l := range s.leases {
		out = append(out, l.epoch)
	}
	return out
}

// transact runs f in a transaction.
func (s *Reader) transact(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, f)
}
