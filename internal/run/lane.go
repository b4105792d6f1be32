package run

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/message"
	"hongyan/internal/reply"
)

// A Lane is one account's way out: its sender, its pace, its judge.
type Lane struct {
	Account     string
	Sender      Sender
	Pacer       Pacer
	Judge       func(a reply.Answer, now time.Time) reply.Verdict
	Compose     func(e ledger.Entry, date time.Time) (*message.Message, error) // safe for concurrent use
	Connections int                                                            // at most; at least 1
	Ahead       int                                                            // mails composed ahead of the pacer, at least 1
	Workers     int                                                            // that compose, at least 1
	// Orphans are accounts that no lane has any more: whom they put off goes this way.
	Orphans []string
	// What a lane keeps that works in one run after another; nil: every run begins anew.
	Streaks *Streaks // the issue's
	Links   *Links   // the account's
}

// drive empties the ledger through the lane until nothing is left, soft ends,
// or the account must be silent for longer than the run has patience.
func (l *Lane) drive(ctx, soft context.Context, r *Run) (*Early, error) {
	soft, end := context.WithCancelCause(soft)
	defer end(nil)
	s := &shift{Lane: l, run: r, end: end, streaks: cmp.Or(l.Streaks, &Streaks{}), links: cmp.Or(l.Links, &Links{})}
	s.belt = newBelt(l, r, s.leave)

	var crew sync.WaitGroup
	filling, filled := context.WithCancel(soft)
	crew.Go(func() { defer filled(); s.fail(s.belt.fill(soft)) })
	for range max(l.Connections, 1) {
		crew.Go(func() { s.fail(s.serve(ctx, soft, filling)) })
	}
	crew.Wait()
	s.fail(s.belt.clear(context.WithoutCancel(ctx)))
	return s.early, s.err
}

// A shift is a lane at work in one run.
type shift struct {
	*Lane
	run  *Run
	end  context.CancelCauseFunc
	belt *belt

	streaks *Streaks
	links   *Links

	mu    sync.Mutex // guards the fields below
	early *Early
	err   error
}

// fail ends the lane with a breakdown; the first one counts.
func (s *shift) fail(err error) {
	if err == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.end(err)
}

// leave ends the lane early, without an error. The first reason counts; but why the
// account is held says more than that the rest is due later, which may be seen first.
func (s *shift) leave(e Early) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.early == nil || s.early.Due && e.Held {
		s.early = &e
	}
	s.end(nil)
}

// serve carries mails over one connection until there are no more.
func (s *shift) serve(ctx, soft, filling context.Context) error {
	x := &link{Session: s.Sender.Open()}
	defer s.links.leave(x)
	defer x.Close()
	var next *job
	var behind *job
	for s.links.enter(filling, x, s.Connections) {
		if next == nil {
			if next = s.turn(soft); next == nil {
				return nil
			}
		}
		var err error
		if next, behind, err = s.carry(ctx, soft, x, next, behind); err != nil {
			return err
		}
	}
	return nil
}

// turn returns the next job whose mail may leave now, or nil when there is none
// any more. A job that would have to wait long goes back, so that the other
// lanes can have it.
func (s *shift) turn(soft context.Context) *job {
	for {
		j := s.belt.take(soft)
		if j == nil {
			return nil
		}
		ok, err := s.await(soft, j)
		if ok {
			return j
		}
		s.fail(err)
	}
}

// long is the wait from which on a job is better given back.
const long = 30 * time.Second

// await waits for the job's turn and takes it; false: the job is not ours any
// more. Whoever leaves while the mail waits gets none.
func (s *shift) await(soft context.Context, j *job) (bool, error) {
	for {
		if gone, err := s.suppressed(context.WithoutCancel(soft), j); gone || err != nil {
			return false, err
		}
		now := time.Now()
		if s.Pacer.Take(now, j.domain) {
			j.Steps.Turn = now
			return true, nil
		}
		at, why := s.Pacer.Next(now, "")
		if own, limit := s.Pacer.Next(now, j.domain); own.Sub(at) > glance {
			return false, s.aside(soft, j, own, limit)
		}
		if at.Sub(now) > long {
			return false, s.rest(soft, j, at, why)
		}
		if !sleep(soft, at.Sub(now)) {
			return false, s.belt.giveBack(context.WithoutCancel(soft), j)
		}
	}
}

// glance is how long others wait for a recipient whose domain's limit keeps it.
const glance = time.Second

// aside lets the others by. Who finds no room to wait is deferred, for longer
// than a limit may ask, since each time it is written down.
func (s *shift) aside(soft context.Context, j *job, at time.Time, why string) error {
	if s.belt.park(j) {
		return nil
	}
	now := time.Now()
	return s.belt.settle(context.WithoutCancel(soft), j, ledger.Outcome{
		State: ledger.Deferred, Reply: why, At: now, Due: now.Add(max(at.Sub(now), 10*time.Minute)), Free: true,
	})
}

// rest gives the job back and waits until the account may send again, or ends
// the lane when that is too long.
func (s *shift) rest(soft context.Context, j *job, at time.Time, why string) error {
	if err := s.belt.close(context.WithoutCancel(soft), j); err != nil {
		return err
	}
	if s.run.Patience > 0 && time.Until(at) > s.run.Patience {
		_, _, held := s.Pacer.Held(time.Now())
		s.leave(Early{Account: s.Account, Until: at, Why: why, Held: held})
		return nil
	}
	s.run.tell(Waiting{Account: s.Account, Until: at, Why: why})
	s.doze(soft)
	return nil
}

// doze waits until the account may send again. It asks now and then: a laptop
// that slept has a monotonic clock that stood still, wall clocks are set, and a
// hold may be lifted.
func (s *shift) doze(soft context.Context) {
	for {
		now := time.Now()
		at, _ := s.Pacer.Next(now, "")
		if left := at.Sub(now); left <= 0 || !sleep(soft, min(left, long)) {
			return
		}
	}
}

// carry takes one mail over the wire and returns the mail that rode behind it, if
// any, and then also the one in hand: its outcome is to become durable together
// with the next intent.
func (s *shift) carry(ctx, soft context.Context, x *link, j, behind *job) (*job, *job, error) {
	kept := context.WithoutCancel(ctx)
	j.Steps.Offer = time.Now()
	if err := x.Offer(soft, j.mail); err != nil {
		if err := s.record(kept, behind); err != nil {
			return nil, nil, err
		}
		return nil, nil, s.conclude(kept, soft, x, j, reply.Answer{}, err)
	}
	j.Steps.Offered = time.Now()
	intent := ledger.Intent{ID: j.Entry.ID, Account: s.Account, MessageID: j.mail.ID, At: j.Steps.Offered}
	if err := s.record(kept, behind, intent); err != nil {
		return nil, nil, err // no memory, no mail: the connection closes without the dot
	}
	j.begun, j.Steps.Begun = true, time.Now()

	rider := s.rider(soft, x)
	answer, err := x.Deliver(ctx, rider.message())
	if err == nil && rider != nil && x.Riding() && s.free(soft) {
		j.Outcome = s.taken(x, j, answer)
		return rider, j, nil
	}
	err = s.conclude(kept, soft, x, j, answer, err)
	if rider != nil && (err != nil || !x.in || !s.free(soft)) {
		return nil, nil, errors.Join(err, s.unseat(kept, x, rider))
	}
	return rider, nil, err
}

// free reports whether the lane goes on and its account is not held.
func (s *shift) free(soft context.Context) bool {
	_, _, held := s.Pacer.Held(time.Now())
	return soft.Err() == nil && !held
}

// unseat gives the rider back. The server may wait for its body already, and
// nothing else can be said on that connection.
func (s *shift) unseat(kept context.Context, x *link, rider *job) error {
	if x.Riding() {
		x.hangUp()
	}
	return s.belt.giveBack(kept, rider)
}

// rider returns a job that may leave right behind the one in hand, or nil.
func (s *shift) rider(soft context.Context, session Session) *job {
	if soft.Err() != nil || !session.Pipelines() {
		return nil
	}
	return s.belt.takeIf(func(j *job) bool {
		_, gone, err := s.leaver(context.WithoutCancel(soft), j)
		s.fail(err)
		if gone || err != nil { // its own turn settles it
			return false
		}
		j.Steps.Turn = time.Now()
		return s.Pacer.Take(j.Steps.Turn, j.domain)
	})
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func domainOf(address string) string {
	return strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
}
