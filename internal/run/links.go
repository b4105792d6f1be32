package run

import (
	"context"
	"sync"
	"time"
)

// Links are how an account's connections fare, whatever issue they carry. A lane
// that is given to one run after another keeps them. The zero Links fare well.
//
// How many the server takes at once is found out: one at first, one more after as
// many mails as there are connections, and one less as soon as it turns one away
// (the scheduler of Postfix, README_FILES/SCHEDULER_README).
type Links struct {
	mu   sync.Mutex // guards the fields below
	lost int        // in a row
	away int        // times in a row that the only connection was turned away

	most  int           // may be open at once; 0: one
	open  int           // by now, or about to be
	fresh int           // of them that have carried no mail yet
	mails int           // taken since the last one of them showed that it works
	moved chan struct{} // closed when one more may be open

	bound  int       // so many were too many; 0: not yet
	again  int       // times in a row that they still were
	gave   time.Time // when one was turned away last
	barred time.Time // so many as the bound are not tried before
}

// A link is one connection's place among them.
type link struct {
	Session
	in    bool
	fresh bool // it has carried no mail since it is in
	worn  bool // it has carried a mail since it was opened
}

// renew has the next mail take a new connection, unless this is one.
func (x *link) renew() bool {
	worn := x.worn
	if worn {
		x.hangUp()
	}
	return worn
}

func (x *link) hangUp() {
	_ = x.Close() // every mail has its answer
	x.worn = false
}

// enter waits until the connection may be open, of at most so many; false: ctx has
// ended.
func (l *Links) enter(ctx context.Context, x *link, most int) bool {
	for !x.in {
		moved := l.admit(x, most)
		if moved == nil {
			break
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return false
		}
	}
	return true
}

// admit lets the connection in, or returns what to wait for.
func (l *Links) admit(x *link, most int) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open < min(max(l.most, 1), max(most, 1)) {
		l.open++
		l.fresh++
		x.in, x.fresh = true, true
		return nil
	}
	if l.moved == nil {
		l.moved = make(chan struct{})
	}
	return l.moved
}

// leave lets the connection's place go.
func (l *Links) leave(x *link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x.in {
		l.out(x)
		l.move()
	}
}

func (l *Links) out(x *link) {
	if x.fresh {
		l.fresh--
	}
	l.open--
	x.in, x.fresh = false, false
}

func (l *Links) move() {
	if l.moved != nil {
		close(l.moved)
		l.moved = nil
	}
}

// giveWay takes the place of a connection that was turned away while others are
// in: so many are what the server takes. It returns how many those are, and until
// when no more are tried; 0: there are none, and the place remains.
func (l *Links) giveWay(x *link, now time.Time) (others int, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open < 2 {
		return 0, time.Time{}
	}
	if now.Sub(l.gave) >= long { // else it is of the same series
		l.overrun(now)
	}
	l.gave = now
	l.out(x)
	l.most, l.mails = l.open, 0
	return l.open, l.opens()
}

// overrun notes that so many as are open are too many.
func (l *Links) overrun(now time.Time) {
	if l.bound > 0 && l.open >= l.bound {
		l.again++
	} else {
		l.again = 0
	}
	l.bound, l.barred = l.open, now.Add(min(long<<min(l.again, 10), time.Hour))
}

// opens is when one more than are open may be.
func (l *Links) opens() time.Time {
	at := l.gave.Add(long)
	if l.open+1 >= l.bound && l.barred.After(at) {
		at = l.barred
	}
	return at
}

// carried notes a mail that was taken, of an account that may have so many
// connections: when all of them have shown that they work, one more may.
func (l *Links) carried(x *link, most int, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost, l.away, x.worn = 0, 0, true
	if x.fresh {
		x.fresh = false
		l.fresh--
		l.mails = 0
	}
	l.mails++
	if l.fresh > 0 || l.open < l.most || l.mails < l.open {
		return
	}
	if l.open >= l.bound {
		l.bound, l.again = 0, 0
	}
	if l.open < most && !now.Before(l.opens()) {
		l.most = l.open + 1
		l.move()
	}
}

// broke returns how many links in a row were lost, with this one.
func (l *Links) broke() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost++
	return l.lost
}

// turnedAway returns how many times in a row the only connection was turned away.
func (l *Links) turnedAway() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away++
	return l.away
}

// answered notes that the server is there.
func (l *Links) answered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost = 0
}

// listened notes that the server let a mail be offered.
func (l *Links) listened() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = 0
}
