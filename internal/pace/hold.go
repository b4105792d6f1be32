package pace

import (
	"strings"
	"time"
)

// probePatience is how long a probe may stay without a reported result before
// another mail may try; longer than the ten minutes of the final dot
// (RFC 5321 §4.5.3.2).
const probePatience = 15 * time.Minute

// probeGlance is when to look again for a probe that is on its way: its answer
// may come any moment, and nobody is to go home for it.
const probeGlance = time.Second

// A hold keeps an account silent; when its time is over one mail may leave as
// a probe, and the others follow when it has succeeded.
type hold struct {
	on     bool
	until  instant
	length time.Duration
	reason string
	probe  bool // it is on its way
	sent   instant
}

// next says when a mail may leave for all that the hold cares.
func (h *hold) next(s instant) (instant, string) {
	switch {
	case !h.on:
		return s, ""
	case s < h.until:
		return h.until, onHold + h.reason
	case h.probe && s < h.sent.add(probePatience):
		return min(s.add(probeGlance), h.sent.add(probePatience)), onProbe + h.reason
	}
	return s, ""
}

const onHold, onProbe = "hold: ", "probe: "

// ReadHold makes of why no mail may leave, as [Pacer.Next] says it, the reason of the
// hold that keeps it, and whether that hold's probe is waited for; false: no hold does.
func ReadHold(why string) (reason string, probing, held bool) {
	if reason, held = strings.CutPrefix(why, onHold); held {
		return reason, false, true
	}
	reason, held = strings.CutPrefix(why, onProbe)
	return reason, held, held
}

// taken notes that a mail has left at s.
func (h *hold) taken(s instant) {
	if h.on {
		h.probe, h.sent = true, s
	}
}

// Hold keeps the account silent until a time; the zero time: until a person
// calls Lift. A hold only ever grows. One whose time is past already leaves
// its probe to do, as after a restart.
func (p *Pacer) Hold(until time.Time, reason string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	s := p.tick(now)
	length := time.Duration(never)
	if !until.IsZero() {
		length = max(until.Round(0).Sub(now.Round(0)), 0)
	}
	if p.hold.on && s.add(length) < p.hold.until {
		return
	}
	p.hold = hold{on: true, until: s.add(length), length: length, reason: reason}
	p.wake()
}

// Held reports whether the account is silent by a hold, until when, and why;
// the zero time: until a person calls Lift.
func (p *Pacer) Held(now time.Time) (until time.Time, reason string, held bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.tick(now)
	if !p.hold.on || s >= p.hold.until {
		return time.Time{}, "", false
	}
	if p.hold.length == never {
		return time.Time{}, p.hold.reason, true
	}
	return now.Add(time.Duration(p.hold.until - s)), p.hold.reason, true
}

// Lift ends the hold as if its time were over: its probe is still to do.
func (p *Pacer) Lift() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hold.on {
		p.hold.until, p.hold.length = p.tick(p.now()), 0
		p.wake()
	}
}

// Succeeded reports that the server took a mail, or refused it for reasons of
// its own recipient: the account works. It ends a probe, and a clean day of
// them raises a learned pace.
func (p *Pacer) Succeeded(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hold.probe {
		p.hold = hold{}
		p.wake()
	}
	if p.learned.Factor < 1 && p.learned.succeeded(now) {
		p.book.scale(p.tick(now), p.learned.Factor)
		p.wake()
	}
}

// Throttled reports that the server wants less. It halves the account's pace,
// once for all the mails that were on their way together, and a probe that
// ends so renews its hold. It holds nothing by itself.
func (p *Pacer) Throttled(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.tick(now)
	if p.hold.probe {
		p.hold.probe, p.hold.until = false, s.add(p.hold.length)
	}
	if p.book.since > 0 || p.learned.Throttled.IsZero() {
		p.book.since = 0
		p.learned.throttled(now)
		p.book.scale(s, p.learned.Factor)
	}
	p.wake()
}

// Unclear reports that the link was lost before the server said anything of
// worth: a probe that ends so is to be repeated.
func (p *Pacer) Unclear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hold.probe {
		p.hold.probe = false
		p.wake()
	}
}
