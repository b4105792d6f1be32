package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/reply"
)

// record makes what trails and the intent durable in one step.
func (s *shift) record(ctx context.Context, behind *job, intents ...ledger.Event) error {
	events := intents
	if behind != nil {
		events = append([]ledger.Event{behind.Outcome}, intents...)
	}
	if len(events) == 0 {
		return nil
	}
	if err := s.run.Ledger.Record(ctx, events...); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if behind != nil {
		s.belt.settled(behind)
	}
	return nil
}

// taken is the outcome of a mail whose final dot was answered well.
func (s *shift) taken(x *link, j *job, a reply.Answer) ledger.Outcome {
	now := time.Now()
	s.streaks.over()
	s.links.carried(x, s.Connections, now)
	s.Pacer.Succeeded(now)
	return s.outcome(j, ledger.Outcome{
		State: ledger.Sent, Stage: string(a.Stage), Code: a.Code, Enhanced: a.Enhanced, Reply: a.Text, At: now,
	})
}

func (s *shift) outcome(j *job, o ledger.Outcome) ledger.Outcome {
	o.ID, o.Account, o.Bytes = j.Entry.ID, s.Account, max(o.Bytes, j.mail.Size())
	return o
}

// conclude makes the outcome of a mail durable, then heeds what it asks for.
func (s *shift) conclude(kept, soft context.Context, x *link, j *job, a reply.Answer, err error) error {
	if err == nil {
		return s.belt.settle(kept, j, s.taken(x, j, a))
	}
	if refusal, ok := errors.AsType[*reply.Refusal](err); ok {
		return s.refused(kept, x, j, refusal)
	}
	if doubt, ok := errors.AsType[*reply.Doubt](err); ok {
		return s.unanswered(kept, soft, j, doubt)
	}
	if soft.Err() != nil && !j.begun { // an offer that was called off
		s.Pacer.Unclear()
		return s.belt.giveBack(kept, j)
	}
	if lost, ok := errors.AsType[*reply.Lost](err); ok {
		return s.linkLost(kept, soft, x, j, lost)
	}
	return errors.Join(fmt.Errorf("account %s: %w", s.Account, err), s.abandon(kept, j))
}

// abandon puts a mail down whose sending broke down before its body could leave.
func (s *shift) abandon(kept context.Context, j *job) error {
	s.Pacer.Unclear()
	if !j.begun {
		return s.belt.giveBack(kept, j)
	}
	now := time.Now()
	return s.belt.settle(kept, j, ledger.Outcome{
		State: ledger.Deferred, Reply: ledger.BrokenDown, At: now, Due: now, Free: true,
	})
}

// tolerated is how many links in a row may be lost before the account rests.
const tolerated = 3

// unanswered leaves the recipient in doubt, and lets the account rest when its
// dots keep being answered by nothing: each of them makes another doubt.
func (s *shift) unanswered(kept, soft context.Context, j *job, doubt *reply.Doubt) error {
	s.Pacer.Unclear()
	row := s.broke(soft)
	err := s.belt.settle(kept, j, ledger.Outcome{
		State: ledger.InDoubt, Stage: string(reply.AtDot), Reply: doubt.Error(), Bytes: doubt.Sent, At: time.Now(),
	})
	if err != nil {
		return err
	}
	return s.broken(kept, row, doubt.Error())
}

// linkLost defers the recipient at once, and lets the account rest when its
// links keep breaking: the server is what is wrong then, not the mails.
func (s *shift) linkLost(kept, soft context.Context, x *link, j *job, lost *reply.Lost) error {
	now := time.Now()
	s.Pacer.Unclear()
	o := ledger.Outcome{
		State: ledger.Deferred, Stage: string(lost.Stage), Reply: lost.Error(), Bytes: lost.Sent,
		Class: ledger.LinkLost, At: now, Due: now, Free: true,
	}
	row := 0
	switch {
	case j.breaks(lost):
		o.Free = false
		s.putOff(j, 0, &o)
	case early(lost.Stage) && lost.Stage != reply.AtAuth && s.giveWay(x, lost.Error(), now):
	default:
		row = s.broke(soft)
		o.Due = now.Add(rest(row))
	}
	if err := s.belt.settle(kept, j, o); err != nil {
		return err
	}
	return s.broken(kept, row, lost.Error())
}

// broke returns how many links in a row were lost, with this one; those that we
// cut ourselves in the end do not count.
func (s *shift) broke(soft context.Context) int {
	if soft.Err() != nil {
		return 0
	}
	return s.links.broke()
}

// rest is how long an account rests after so many links lost in a row.
func rest(row int) time.Duration {
	if row < tolerated {
		return 0
	}
	return resting(row - tolerated)
}

// broken lets the account rest if so many links in a row are too many.
func (s *shift) broken(kept context.Context, row int, said string) error {
	if rest(row) == 0 {
		return nil
	}
	now := time.Now()
	return s.hold(kept, ledger.Hold{
		Account: s.Account, Since: now, Until: now.Add(rest(row)), Rule: ledger.LinkLost, Reply: said,
		Reason: ledger.LinksLost(row),
	})
}

// breaks reports whether the very recipient may be what the link breaks at: it
// broke twice in a row once the server had let us in and heard of the mail.
func (j *job) breaks(lost *reply.Lost) bool {
	before := reply.Stage(j.Entry.Stage)
	return j.Entry.State == ledger.Deferred && j.Entry.Class == ledger.LinkLost && !early(before) && !early(lost.Stage)
}

// putOff says when the recipient is due again, no sooner than after a wait, or
// that it was given up.
func (s *shift) putOff(j *job, wait time.Duration, o *ledger.Outcome) {
	tries := j.Entry.Attempts + 1
	next, ok := s.run.Retry(tries)
	if !ok {
		o.State, o.Due = ledger.Refused, time.Time{}
		o.Reply = ledger.GivenUp(tries, o.Reply)
		return
	}
	o.Due = o.At.Add(max(next, wait))
}

// refused judges a server's no and does what the verdict asks.
func (s *shift) refused(kept context.Context, x *link, j *job, refusal *reply.Refusal) error {
	now := time.Now()
	v := s.Judge(refusal.Answer, now)
	scope := s.scope(v)
	o := ledger.Outcome{
		Stage: string(refusal.Stage), Code: refusal.Code, Enhanced: refusal.Enhanced, Reply: refusal.Text,
		Class: string(v.Class), Rule: v.Rule, At: now,
	}
	away := early(refusal.Stage)
	switch {
	case (v.Fewer || away && passes(v, scope)) && s.giveWay(x, refusal.Reply(), now),
		worn(v) && !away && !j.begun && x.renew():
		return s.again(kept, j, v, o)
	}
	s.tellPacer(v, refusal.Stage, now)
	if away {
		return s.turnedAway(kept, j, v, scope, refusal, now)
	}
	if v.Reconnect {
		x.hangUp()
	}
	s.links.listened()
	s.fate(j, v, scope, &o)
	if err := s.belt.settle(kept, j, o); err != nil {
		return err
	}
	if err := s.bounced(kept, j, v, o); err != nil {
		return err
	}
	return s.heed(kept, v, scope, refusal, now)
}

// worn reports whether a verdict is about a connection that has carried enough.
func worn(v reply.Verdict) bool { return v.Class == reply.Transient && v.Reconnect }

// passes reports whether trouble before anybody was named is neither the login's
// nor a limit's.
func passes(v reply.Verdict, scope reply.Scope) bool {
	return v.Class == reply.Transient || scope != reply.Account && scope != reply.Run
}

// again puts the recipient down whose connection, not whose mail, was refused.
func (s *shift) again(kept context.Context, j *job, v reply.Verdict, o ledger.Outcome) error {
	s.Pacer.Unclear()
	if !j.begun {
		return s.belt.giveBack(kept, j)
	}
	s.fate(j, v, reply.Account, &o)
	return s.belt.settle(kept, j, o)
}

// turnedAway gives back the recipient whom the server would not even hear named
// by the only connection. A login or a limit stops the account as its verdict says.
// By trouble that passes the account rests, the longer the more often.
func (s *shift) turnedAway(kept context.Context, j *job, v reply.Verdict, scope reply.Scope, refusal *reply.Refusal, now time.Time) error {
	if err := s.belt.giveBack(kept, j); err != nil {
		return err
	}
	if passes(v, scope) {
		scope, v.Human, v.Wait = reply.Account, false, max(v.Wait, resting(s.links.turnedAway()-1))
	}
	return s.heed(kept, v, scope, refusal, now)
}

// giveWay closes a connection that was turned away while others are in; false:
// it was the only one.
func (s *shift) giveWay(x *link, said string, now time.Time) bool {
	others, until := s.links.giveWay(x, now)
	if others == 0 {
		return false
	}
	x.hangUp()
	s.run.tell(TurnedAway{Account: s.Account, Others: others, Until: until, Why: said})
	return true
}

// resting is how long an account rests whose server was not to be had n times more.
func resting(n int) time.Duration { return min(5*time.Minute<<min(n, 10), time.Hour) }

// tellPacer says whether the server wants less, would not listen, or answered
// and that is all.
func (s *shift) tellPacer(v reply.Verdict, stage reply.Stage, now time.Time) {
	switch {
	case v.Class == reply.RateAccount || v.Class == reply.RateIP:
		s.Pacer.Throttled(now)
	case early(stage):
		s.Pacer.Unclear()
	default:
		s.Pacer.Succeeded(now)
	}
}

// early reports whether a stage lies before anything about the mail was said.
func early(stage reply.Stage) bool {
	switch stage {
	case reply.AtConnect, reply.AtGreeting, reply.AtEhlo, reply.AtStartTLS, reply.AtAuth:
		return true
	}
	return false
}

// scope widens the recipient's trouble to what the verdict names once it has
// come often enough in a row.
func (s *shift) scope(v reply.Verdict) reply.Scope {
	s.links.answered()
	if s.streaks.more(v.Class) < v.Streak {
		return reply.Recipient
	}
	return v.Scope
}

// fate says what becomes of the recipient. A hold of the account costs it no attempt.
func (s *shift) fate(j *job, v reply.Verdict, scope reply.Scope, o *ledger.Outcome) {
	if v.Final {
		o.State = ledger.Refused
		return
	}
	o.State = ledger.Deferred
	if scope == reply.Account || scope == reply.Run {
		o.Free, o.Due = true, o.At.Add(v.Wait)
		return
	}
	s.putOff(j, v.Wait, o)
}

// heed holds the account or stops the run, as the verdict asks.
func (s *shift) heed(kept context.Context, v reply.Verdict, scope reply.Scope, refusal *reply.Refusal, now time.Time) error {
	switch scope {
	case reply.Recipient, reply.Message:
		return nil
	case reply.Domain: // the pacer has no domain holds: its recipients are deferred one by one
		return nil
	case reply.Run:
		return &Stopped{Account: s.Account, Verdict: v, Refusal: refusal}
	case reply.Account:
	}
	return s.hold(kept, ledger.Hold{
		Account: s.Account, Since: now, Until: now.Add(v.Wait), Human: v.Human,
		Reason: string(v.Class), Rule: v.Rule, Reply: refusal.Reply(),
	})
}

// hold writes the account's silence down, then keeps it. A hold that only a
// person can end ends the lane.
func (s *shift) hold(kept context.Context, h ledger.Hold) error {
	if err := s.run.Ledger.Hold(kept, h); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if h.Human {
		s.leave(Early{Account: s.Account, Why: h.Reply, Human: true, Held: true})
		return nil
	}
	s.Pacer.Hold(h.Until, h.Reason)
	if s.run.Patience > 0 {
		s.leave(Early{Account: s.Account, Until: h.Until, Why: h.Reply, Held: true})
		return nil
	}
	s.run.tell(Waiting{Account: s.Account, Until: h.Until, Why: h.Reply, Held: true})
	return nil
}
