package postgres

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"hongyan/internal/ledger"
)

// write makes one wave durable, in one round trip when nothing unusual is among
// it, and tells whoever waits. With an error it returns the slips of which
// nobody knows what is on the disk; without, those that are to be written yet.
func (s *Store) write(slips []*slip) ([]*slip, error) {
	// Longer than this the leases would not outlast it.
	ctx, cancel := context.WithTimeout(context.Background(), s.lease)
	defer cancel()
	slips, err := s.address(ctx, slips)
	if err != nil || len(slips) == 0 {
		return slips, err
	}
	b := s.batch(slips)
	if err := s.pool.SendBatch(ctx, &b.Batch).Close(); err != nil {
		return slips, err
	}
	s.written(b)
	var rest, next []*slip
	for _, p := range slips {
		if b.done[p.id()] {
			next = append(next, s.finish(p, nil)...)
		} else {
			rest = append(rest, p)
		}
	}
	for i, p := range rest {
		err := s.alone(ctx, p)
		if err != nil && !errors.Is(err, ledger.ErrTaken) && !errors.Is(err, ledger.ErrElsewhere) {
			return append(rest[i:], next...), err
		}
		next = append(next, s.finish(p, err)...)
	}
	return next, nil
}

// address finds the lease of every intent and the account of every outcome. An
// intent of an account that is not ours is answered and left out.
func (s *Store) address(ctx context.Context, slips []*slip) (out []*slip, err error) {
	for i, p := range slips {
		if p.intent != nil {
			p.lease, err = s.leased(ctx, p.lane)
		} else {
			p.account, err = s.account(ctx, p.lane)
		}
		if errors.Is(err, ledger.ErrElsewhere) {
			p.told(err)
			continue
		}
		if err != nil {
			return append(out, slips[i:]...), err
		}
		out = append(out, p)
	}
	return out, nil
}

// finish tells what became of a slip. An intent that took so long that the
// account may be somebody else's by now is not followed by a body: what is to be
// written of that is returned.
func (s *Store) finish(p *slip, err error) []*slip {
	if err == nil && p.intent != nil {
		if err = s.has(p.lane); err != nil {
			p.told(err)
			return []*slip{p.unsaid()}
		}
	}
	if err == nil {
		s.mu.Lock()
		delete(s.desk(p.id()>>32), p.id())
		if p.intent != nil {
			s.flying[p.id()] = true
		}
		s.mu.Unlock()
	}
	p.told(err)
	return nil
}

// A batch is what goes to the database at once, as one transaction.
type batch struct {
	pgx.Batch
	done    map[int64]bool // entries whose state allowed the event
	touched map[int64]int64
}

func (s *Store) batch(slips []*slip) *batch {
	b := &batch{done: map[int64]bool{}, touched: map[int64]int64{}}
	var intents intents
	var outcomes outcomes
	for _, p := range slips {
		if p.intent != nil {
			s.touch(b, p)
			intents.add(p)
			continue
		}
		if slices.Contains(p.outcome.State.From(), ledger.Sending) {
			outcomes.add(*p.outcome)
		}
	}
	for issue, until := range b.touched {
		b.Queue(`UPDATE issue SET touched = greatest(touched, $2) WHERE id = $1`, issue, until)
	}
	if len(intents.ids) > 0 {
		intents.queue(b, s)
	}
	if len(outcomes.ids) > 0 {
		outcomes.queue(b, s.epochs())
	}
	return b
}

// touchAhead spares most intents the write of their issue's row.
const touchAhead = 10 * 60 * 1000

// touch notes where History will have to look.
func (s *Store) touch(b *batch, p *slip) {
	issue, at := p.intent.ID>>32, p.intent.At.UnixMilli()
	s.mu.Lock()
	defer s.mu.Unlock()
	if at > s.touched[issue] {
		b.touched[issue] = max(b.touched[issue], at+touchAhead)
	}
}

// written remembers what need not be written again.
func (s *Store) written(b *batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for issue, until := range b.touched {
		s.touched[issue] = max(s.touched[issue], until)
	}
}

// intents are the columns of intents.
type intents struct {
	ids, accounts, epochs, at []int64
	messages                  []string
}

func (c *intents) add(p *slip) {
	c.ids = append(c.ids, p.intent.ID)
	c.accounts = append(c.accounts, p.lease.number)
	c.epochs = append(c.epochs, p.lease.epoch)
	c.at = append(c.at, p.intent.At.UnixMilli())
	c.messages = append(c.messages, text(p.intent.MessageID))
}

// queue: the lease is looked at, and kept from whoever would take the account
// over, by the same statement that writes. What was claimed under it lies in its
// span already.
func (c *intents) queue(b *batch, s *Store) {
	b.Queue(`WITH v AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[])
			AS v(id, account, epoch, at, message)),
		standing AS MATERIALIZED (SELECT account, epoch FROM lease WHERE account = ANY($2) AND owner = $6
			AND until > clock_timestamp() + $7::interval FOR KEY SHARE)
		UPDATE delivery d SET state = 1, account = v.account, attempts = d.attempts + 1, begun = v.at, ended = 0,
			due = 0, message_id = v.message, claim = v.epoch
		FROM v JOIN standing USING (account, epoch)
		WHERE d.id = ANY(ARRAY[v.id]) AND d.state = 0 AND d.claim = v.epoch RETURNING d.id`,
		c.ids, c.accounts, c.epochs, c.at, c.messages, s.me, s.margin()).Query(b.mark)
}

// outcomes are the columns of outcomes that may lead out of sending.
type outcomes struct {
	ids, ended, due, bytes               []int64
	states                               []int16
	free, codes                          []int32
	stages, enhanced, replies, cls, rule []string
}

func (c *outcomes) add(o ledger.Outcome) {
	c.ids = append(c.ids, o.ID)
	c.ended = append(c.ended, o.At.UnixMilli())
	c.due = append(c.due, millis(o.Due))
	c.bytes = append(c.bytes, o.Bytes)
	c.states = append(c.states, number(o.State))
	c.free = append(c.free, count(o.Free))
	c.codes = append(c.codes, int32(o.Code))
	c.stages = append(c.stages, text(o.Stage))
	c.enhanced = append(c.enhanced, text(o.Enhanced))
	c.replies = append(c.replies, text(ledger.Bounded(o.Reply)))
	c.cls = append(c.cls, text(o.Class))
	c.rule = append(c.rule, text(o.Rule))
}

// queue: a result is told by its own epoch, whether or not the lease still
// stands, also of an entry that a successor took for a doubt: a late truth is
// welcome. What is not deferred spares the statement a table.
func (c *outcomes) queue(b *batch, mine []int64) {
	later := ""
	if slices.Contains(c.states, deferred) {
		later = `, later AS (INSERT INTO due (issue, account, due, id) SELECT id >> 32, account, due, id FROM done WHERE state = 4)`
	}
	b.Queue(`WITH v AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[],
			$6::integer[], $7::integer[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[])
			AS v(id, ended, due, bytes, state, free, code, stage, enhanced, reply, class, rule)),
		done AS (UPDATE delivery d SET state = v.state, ended = v.ended, due = v.due, attempts = d.attempts - v.free, claim = 0
			FROM v WHERE d.id = ANY(ARRAY[v.id]) AND d.state IN (1, 5) AND d.claim = ANY($13)
			RETURNING d.id, d.account, v.due, v.bytes, v.state, v.code, v.stage, v.enhanced, v.reply, v.class, v.rule),
		said AS (INSERT INTO answer (id, stage, code, enhanced, reply, class, rule, bytes)
			SELECT id, stage, code, enhanced, reply, class, rule, bytes FROM done
			ON CONFLICT (id) DO UPDATE SET stage = excluded.stage, code = excluded.code, enhanced = excluded.enhanced,
				reply = excluded.reply, class = excluded.class, rule = excluded.rule, bytes = excluded.bytes,
				settled_by = '', settled_at = 0)`+later+`
		SELECT id FROM done`,
		c.ids, c.ended, c.due, c.bytes, c.states, c.free, c.codes, c.stages, c.enhanced, c.replies, c.cls, c.rule, mine).Query(b.mark)
}

func (b *batch) mark(rows pgx.Rows) error {
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	for _, id := range ids {
		b.done[id] = true
	}
	return err
}

func count(free bool) int32 {
	if free {
		return 1
	}
	return 0
}

// alone writes a slip that its wave's batch could not: the entry was deferred,
// or not claimed under
// its lease, or never came to an intent, or is not ours.
func (s *Store) alone(ctx context.Context, p *slip) error {
	if p.waiter == nil { // its intent never was durable
		return nil
	}
	return s.transact(ctx, func(tx pgx.Tx) error {
		t := &trans{ctx: ctx, tx: tx}
		ok := false
		if p.intent != nil {
			stands, err := s.stands(ctx, tx, p.lease)
			if err != nil {
				return err
			}
			if !stands {
				return ledger.ErrElsewhere
			}
			ok = t.intentElsewhere(*p.intent, p.lease, s.epochs()) || t.intentAgain(*p.intent, p.lease)
		} else {
			ok = p.again && t.there(*p.outcome) || t.outcomeUnbegun(p, s.epochs())
		}
		if t.err == nil && !ok {
			return ledger.ErrTaken
		}
		return t.err
	})
}

// A trans is one transaction. The first error stays and turns the rest into nothing.
type trans struct {
	ctx context.Context
	tx  pgx.Tx
	err error
}

// exec returns how many rows it changed.
func (t *trans) exec(query string, args ...any) int64 {
	if t.err != nil {
		return 0
	}
	tag, err := t.tx.Exec(t.ctx, query, args...)
	t.err = err
	return tag.RowsAffected()
}

// intentElsewhere is of an entry that was not claimed under the very lease, or
// whose claim was lost with the server: a successor has to find it all the same.
func (t *trans) intentElsewhere(e ledger.Intent, l lease, mine []int64) bool {
	return t.exec(`UPDATE delivery SET state = 1, account = $2, attempts = attempts + 1, begun = $3, ended = 0, due = 0,
		message_id = $4, claim = $5 WHERE id = $1 AND state = 0 AND (claim = 0 OR claim = ANY($6))`,
		e.ID, l.number, e.At.UnixMilli(), text(e.MessageID), l.epoch, mine) == 1 && t.span(e.ID, l)
}

// span makes a successor find an entry.
func (t *trans) span(id int64, l lease) bool {
	return t.exec(spanning+`VALUES ($1, $2, $3, $3) `+spanned, l.epoch, id>>32, id) == 1
}

// intentAgain follows an earlier attempt, which becomes history.
func (t *trans) intentAgain(e ledger.Intent, l lease) bool {
	if !t.archive(e.ID) {
		return false
	}
	t.exec(`DELETE FROM answer WHERE id = $1`, e.ID)
	return t.exec(`UPDATE delivery SET state = 1, account = $2, attempts = attempts + 1, begun = $3, ended = 0, due = 0,
		message_id = $4, claim = $5 WHERE id = $1`, e.ID, l.number, e.At.UnixMilli(), text(e.MessageID), l.epoch) == 1 && t.span(e.ID, l)
}

// archive keeps the last attempt of a deferred entry as history before another
// takes its place, and reports whether the entry was deferred.
func (t *trans) archive(id int64) bool {
	if t.exec(`DELETE FROM due WHERE (issue, account, due, id) IN
		(SELECT id >> 32, account, due, id FROM delivery WHERE id = $1 AND state = 4 FOR UPDATE)`, id) == 0 {
		return false
	}
	t.exec(`INSERT INTO attempt SELECT d.id, (SELECT count(*) FROM attempt WHERE id = $1) + 1,
		d.account, d.begun, d.ended, d.message_id, coalesce(a.stage, ''), coalesce(a.code, 0), coalesce(a.enhanced, ''),
		coalesce(a.reply, ''), coalesce(a.class, ''), coalesce(a.rule, ''), coalesce(a.bytes, 0),
		coalesce(a.settled_by, ''), coalesce(a.settled_at, 0)
		FROM delivery d LEFT JOIN answer a ON a.id = d.id WHERE d.id = $1`, id)
	return t.err == nil
}

// there reports whether an earlier try, of which nothing was heard, has written
// this very outcome.
func (t *trans) there(o ledger.Outcome) (found bool) {
	if t.err != nil {
		return false
	}
	t.err = t.tx.QueryRow(t.ctx, `SELECT EXISTS (SELECT 1 FROM delivery WHERE id = $1 AND state = $2 AND ended = $3 AND due = $4)`,
		o.ID, number(o.State), o.At.UnixMilli(), millis(o.Due)).Scan(&found)
	return found
}

// outcomeUnbegun is the end of an attempt that never came to an intent.
func (t *trans) outcomeUnbegun(p *slip, mine []int64) bool {
	o := *p.outcome
	if !slices.Contains(o.State.From(), ledger.Queued) {
		return false
	}
	t.archive(o.ID)
	var account, begun int64
	if o.State == ledger.Refused || o.State == ledger.Deferred {
		account = p.account
		if !o.Free {
			begun = o.At.UnixMilli()
			t.touch(o.ID>>32, o.At)
		}
	}
	if t.exec(`UPDATE delivery SET state = $2, ended = $3, due = $4, attempts = attempts + CASE WHEN $5::bigint > 0 THEN 1 ELSE 0 END,
		begun = $5, account = CASE WHEN account = 0 THEN $6 ELSE account END, claim = 0
		WHERE id = $1 AND state IN (0, 4) AND (claim = 0 OR claim = ANY($7))`,
		o.ID, number(o.State), o.At.UnixMilli(), millis(o.Due), begun, account, mine) == 0 {
		return false
	}
	t.answer(o)
	if o.State == ledger.Deferred {
		t.comesDue(o.ID)
	}
	return true
}

func (t *trans) touch(issue int64, at time.Time) {
	t.exec(`UPDATE issue SET touched = $2 WHERE id = $1 AND touched < $2`, issue, at.UnixMilli()+touchAhead)
}

// answer replaces what was said last.
func (t *trans) answer(o ledger.Outcome) {
	t.exec(`DELETE FROM answer WHERE id = $1`, o.ID)
	t.exec(`INSERT INTO answer (id, stage, code, enhanced, reply, class, rule, bytes) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		o.ID, text(o.Stage), o.Code, text(o.Enhanced), text(ledger.Bounded(o.Reply)), text(o.Class), text(o.Rule), o.Bytes)
}

// comesDue enters what was just deferred among those that come due.
func (t *trans) comesDue(id int64) {
	t.exec(`INSERT INTO due (issue, account, due, id) SELECT id >> 32, account, due, id FROM delivery WHERE id = $1`, id)
}
