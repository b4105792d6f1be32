package sqlite

import (
	"context"
	"fmt"
	"time"

	"hongyan/internal/ledger"
)

// Record is group commit: callers queue up, one of them gets the turn and
// commits for all that wait, while the next ones queue up behind it. The slower
// the disk, the larger the groups. See [ledger.Line].
func (s *Store) Record(_ context.Context, events ...ledger.Event) error {
	for _, e := range events {
		if err := e.Check(); err != nil {
			return err
		}
	}
	w := &waiter{events: events, done: make(chan error, 1)}
	s.queue.join(w)
	select {
	case err := <-w.done:
		return err
	case s.writer.turn <- struct{}{}:
		s.commit()
		<-s.writer.turn
		return <-w.done
	}
}

// commit writes all that wait in one transaction; the caller has the turn. Nobody
// waits when an earlier holder of the turn has served all.
//
// What is there is written while the mails in flight come back. They are given
// about the time of a commit, so that no outcome takes more than twice as long.
func (s *Store) commit() {
	group := s.queue.gather()
	if len(group) == 0 {
		return
	}
	timer := time.NewTimer(min(2*s.writer.took, longestWait))
	defer timer.Stop()
	err := s.writer.commit(func(t *tx) {
		for some := group; len(some) > 0; group = append(group, some...) {
			for _, w := range some {
				w.apply(t)
			}
			if some = nil; len(group) < enough {
				some = s.queue.late(timer.C)
			}
		}
	})
	s.queue.departs(group)
	for _, w := range group {
		w.done <- s.answer(w, err)
	}
}

func (w *waiter) apply(t *tx) {
	for _, e := range w.events {
		if id, ok := t.apply(e); ok {
			w.recorded = append(w.recorded, id)
		} else {
			w.taken = append(w.taken, id)
		}
	}
}

// answer ends the claims on what was recorded, then says how it went.
func (s *Store) answer(w *waiter, err error) error {
	if err != nil {
		return err
	}
	for _, id := range w.recorded {
		s.desk(id >> 32).recorded(id)
	}
	if len(w.taken) > 0 {
		return &ledger.Taken{IDs: w.taken}
	}
	return nil
}

// apply writes one event and reports whether its entry's state allowed it.
func (t *tx) apply(e ledger.Event) (id int64, ok bool) {
	switch e := e.(type) {
	case ledger.Intent:
		t.changes(e.ID)
		return e.ID, t.intent(e)
	case ledger.Outcome:
		t.changes(e.ID)
		return e.ID, t.outcome(e)
	}
	t.err = fmt.Errorf("unknown event %T", e)
	return 0, false
}

func (t *tx) intent(e ledger.Intent) bool {
	t.touch(e.ID>>32, e.At.UnixMilli())
	const begin = `UPDATE delivery SET state = 1, account = ?, attempts = attempts + 1,
		begun = ?, ended = 0, due = 0, message_id = ? WHERE id = ? AND state = 0`
	account := t.account(e.Account)
	if t.exec(begin, account, e.At.UnixMilli(), e.MessageID, e.ID) == 1 {
		return true
	}
	if !t.archive(e.ID) {
		return false
	}
	t.exec(`DELETE FROM answer WHERE id = ?1`, e.ID)
	t.exec(`UPDATE delivery SET state = 0 WHERE id = ?1`, e.ID)
	return t.exec(begin, account, e.At.UnixMilli(), e.MessageID, e.ID) == 1
}

func (t *tx) outcome(e ledger.Outcome) bool {
	if !t.end(e) {
		return false
	}
	t.exec(`INSERT OR REPLACE INTO answer (id, stage, code, enhanced, reply, class, rule, bytes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		e.ID, e.Stage, e.Code, e.Enhanced, ledger.Bounded(e.Reply), e.Class, e.Rule, e.Bytes)
	if e.State == ledger.Deferred {
		t.comesDue(e.ID)
	}
	return true
}

// end leads the entry out of its state: the common case is an attempt that
// began with an intent.
func (t *tx) end(e ledger.Outcome) bool {
	from := mask(e.State.From())
	if from&(1<<sending) != 0 {
		n := t.exec(`UPDATE delivery SET state = ?, ended = ?, due = ?, attempts = attempts - ?
			WHERE id = ? AND state = 1`, number(e.State), e.At.UnixMilli(), millis(e.Due), count(e.Free), e.ID)
		if n == 1 {
			return true
		}
	}
	if from&(1<<queued) == 0 {
		return false
	}
	return t.endUnbegun(e)
}

// endUnbegun is the end of an attempt that never came to an intent.
func (t *tx) endUnbegun(e ledger.Outcome) bool {
	t.archive(e.ID)
	tried := e.State == ledger.Refused || e.State == ledger.Deferred
	var account, begun int64
	if tried {
		account = t.account(e.Account)
	}
	if tried && !e.Free {
		begun = e.At.UnixMilli()
		t.touch(e.ID>>32, begun)
	}
	return t.exec(`UPDATE delivery SET state = ?2, ended = ?3, due = ?4, attempts = attempts + (?5 > 0), begun = ?5,
		account = iif(account = 0, ?6, account) WHERE id = ?1 AND state IN (0, 4)`,
		e.ID, number(e.State), e.At.UnixMilli(), millis(e.Due), begun, account) == 1
}

// archive keeps the last attempt of a deferred entry as history before another
// takes its place, and reports whether the entry was deferred.
func (t *tx) archive(id int64) bool {
	if t.exec(`DELETE FROM due WHERE (issue, account, due, id) IN
		(SELECT id >> 32, account, due, id FROM delivery WHERE id = ?1 AND state = 4)`, id) == 0 {
		return false
	}
	t.exec(`INSERT INTO attempt SELECT d.id, (SELECT count(*) FROM attempt WHERE id = ?1) + 1,
		d.account, d.begun, d.ended, d.message_id, coalesce(a.stage, ''), coalesce(a.code, 0), coalesce(a.enhanced, ''),
		coalesce(a.reply, ''), coalesce(a.class, ''), coalesce(a.rule, ''), coalesce(a.bytes, 0),
		coalesce(a.settled_by, ''), coalesce(a.settled_at, 0)
		FROM delivery d LEFT JOIN answer a ON a.id = d.id WHERE d.id = ?1`, id)
	return true
}

// touchAhead spares most intents the write of their issue's row.
const touchAhead = 10 * 60 * 1000

// touch keeps issue.touched later than every attempt, so that History passes
// by issues that rest, and marks the issue for the next start's recovery.
func (t *tx) touch(issue, at int64) {
	if at <= t.w.touched[issue] {
		return
	}
	t.exec(`UPDATE issue SET touched = max(touched, ?2), live = 1 WHERE id = ?1`, issue, at+touchAhead)
	t.w.touched[issue] = at + touchAhead
}

func count(free bool) int {
	if free {
		return 1
	}
	return 0
}
