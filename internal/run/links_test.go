package run_test

import (
	"cmp"
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/message"
	"hongyan/internal/pace"
	"hongyan/internal/reply"
	"hongyan/internal/run"
)

// A hall is a server with so much room for connections that turns away whoever
// finds none, at some stage. A mail takes it a second.
type hall struct {
	provider string // of a hall that says what others do not
	room     int
	stage    reply.Stage
	code     int
	text     string
	lost     bool // it hangs up without a word
	each     int  // mails after which a connection is refused; 0: any number
	shuts    int  // mails after which it hangs up and lets nobody in; 0: never

	mu     sync.Mutex // guards the fields below
	inside int
	most   int         // inside at once
	turned []time.Time // when
	taken  []string
	doors  int // connections opened
}

func (h *hall) Open() run.Session { return &guest{hall: h} }

type guest struct {
	hall  *hall
	in    bool
	mails int
	to    string
}

func (g *guest) Offer(_ context.Context, m *message.Message) error {
	h := g.hall
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.shuts > 0 && len(h.taken) >= h.shuts { // a sender tries a dead connection anew by itself
		g.leave()
		h.turned = append(h.turned, time.Now())
		return h.no()
	}
	if !g.in {
		h.inside++
		h.doors++
		g.in, g.mails = true, 0
	}
	g.to = m.To
	if h.inside > h.room {
		if h.stage == reply.AtDot {
			return nil
		}
		h.turned = append(h.turned, time.Now())
		g.leave()
		return h.no()
	}
	if h.each > 0 && g.mails >= h.each {
		h.turned = append(h.turned, time.Now())
		return h.no()
	}
	h.most = max(h.most, h.inside)
	return nil
}

func (h *hall) no() error {
	if h.lost {
		return &reply.Lost{Stage: h.stage}
	}
	return refuse(h.stage, h.code, h.text)
}

func (g *guest) leave() {
	if g.in {
		g.in = false
		g.hall.inside--
	}
}

func (g *guest) Deliver(context.Context, *message.Message) (reply.Answer, error) {
	time.Sleep(time.Second)
	h := g.hall
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.inside > h.room {
		h.turned = append(h.turned, time.Now())
		g.leave()
		return reply.Answer{}, h.no()
	}
	g.mails++
	h.taken = append(h.taken, g.to)
	return reply.Answer{Stage: reply.AtDot, Code: 250}, nil
}

func (*guest) Pipelines() bool { return false }
func (*guest) Riding() bool    { return false }

func (g *guest) Close() error {
	g.hall.mu.Lock()
	defer g.hall.mu.Unlock()
	g.leave()
	return nil
}

// into is a lane of a provider that may have so many connections with the hall.
func into(t *testing.T, h *hall, provider string, connections int) *run.Lane {
	t.Helper()
	book, err := reply.Load(provider)
	if err != nil {
		t.Fatal(err)
	}
	l := lane(t, "a", nil, pace.Limits{Connections: connections})
	l.Sender, l.Ahead, l.Judge = h, 100, book.Judge
	return l
}

// through sends to n people, and returns how long it took.
func through(t *testing.T, h *hall, l *run.Lane, n int) (*ledgertest.Memory, time.Duration) {
	t.Helper()
	s, began := store(t, n), time.Now()
	early, err := start(s, l).Do(t.Context())
	if err != nil || early != nil {
		t.Fatal(early, err)
	}
	if sum := totals(t, s); sum.Sent != n {
		t.Fatalf("%+v", sum)
	}
	once(t, h.taken)
	return s, time.Since(began)
}

func TestConnectionsAreOpenedOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{room: 100}
		_, took := through(t, h, into(t, h, "163", 4), 1+2+3+40)
		if h.most != 4 || took < 13*time.Second || took > 16*time.Second {
			t.Errorf("up to %d at once, in %s", h.most, took)
		}
	})
}

// A server that takes fewer connections than the account may have turns one away;
// the others go on, and one more is tried the more seldom the more often it was.
func TestAConnectionTooManyGivesWay(t *testing.T) {
	for name, h := range map[string]*hall{
		"at the greeting":           {room: 3, stage: reply.AtGreeting, code: 421, text: "Too many connections"},
		"with a no of any kind":     {room: 3, stage: reply.AtGreeting, code: 451, text: "not so many of you"},
		"at MAIL, and hanging up":   {room: 3, stage: reply.AtMail, code: 421, text: "HL:ICC 163 smtp5"},
		"at the dot":                {provider: "outlook", room: 3, stage: reply.AtDot, code: 432, text: "sender thread limit exceeded"},
		"by hanging up at once":     {room: 3, stage: reply.AtGreeting, lost: true},
		"by not even being reached": {room: 3, stage: reply.AtConnect, lost: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var told []run.TurnedAway
				began, s := time.Now(), store(t, 3000)
				r := start(s, into(t, h, cmp.Or(h.provider, "163"), 20))
				r.Watch = func(e run.Event) {
					if e, ok := e.(run.TurnedAway); ok {
						mu.Lock()
						defer mu.Unlock()
						told = append(told, e)
					}
				}
				if early, err := r.Do(t.Context()); err != nil || early != nil {
					t.Fatal(early, err)
				}
				once(t, h.taken)
				holds, err := s.Holds(t.Context())
				if sum := totals(t, s); err != nil || len(holds) > 0 || sum.Sent != 3000 {
					t.Errorf("held %v: %+v (%v)", holds, sum, err)
				}
				if took := time.Since(began); took > 1030*time.Second {
					t.Errorf("took %s", took)
				}
				n := len(h.turned)
				if h.most != 3 || n < 5 || n > 10 || len(told) != n {
					t.Fatalf("%d at once, %d turned away, told of %v", h.most, n, told)
				}
				rest, e := time.Duration(0), told[0]
				for i := range n - 1 {
					rest = max(rest, h.turned[i+1].Sub(h.turned[i]))
					if told[i+1].Until.After(e.Until) {
						e = told[i+1]
					}
				}
				if rest < 7*time.Minute || e.Until.Sub(h.turned[n-1]) < 14*time.Minute || e.Why == "" {
					t.Errorf("the last one was tried after %s; told of %+v", rest, e)
				}
			})
		})
	}
}

func TestTheOnlyConnectionTurnedAwayHoldsTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{stage: reply.AtGreeting, code: 421, text: "Too many connections"}
		s := store(t, 10)
		r := start(s, into(t, h, "163", 5))
		r.Patience = time.Second
		early, err := r.Do(t.Context())
		if err != nil || len(early) != 1 || time.Until(early[0].Until) != 15*time.Minute || len(h.turned) != 1 {
			t.Errorf("%d turned away: %+v %v", len(h.turned), early, err)
		}
		if sum := totals(t, s); sum.Queued != 10 {
			t.Errorf("%+v", sum)
		}
	})
}

func TestAServerThatShutsIsAskedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{room: 1, shuts: 3, stage: reply.AtGreeting, code: 421, text: "Service not available"}
		s := store(t, 10)
		r := start(s, into(t, h, "163", 1))
		r.Patience = time.Second
		early, err := r.Do(t.Context())
		if err != nil || len(early) != 1 || len(h.turned) != 1 {
			t.Errorf("asked %d times: %+v %v", len(h.turned), early, err)
		}
	})
}

// What a lane has found out serves the next run.
func TestWhatAServerTakesIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{room: 3, stage: reply.AtGreeting, code: 421, text: "Too many connections"}
		l := into(t, h, "163", 20)
		l.Links = &run.Links{}
		through(t, h, l, 20)
		h.taken = nil
		if _, took := through(t, h, l, 30); took.Round(time.Second) != 10*time.Second || len(h.turned) != 1 {
			t.Errorf("took %s, %d turned away", took, len(h.turned))
		}
	})
}

// "Too many on this connection" is no word about the recipient.
func TestAConnectionThatHasCarriedEnoughIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{room: 1, stage: reply.AtMail, code: 451, text: "MI:DMC 163 smtp5", each: 3}
		s, took := through(t, h, into(t, h, "163", 1), 10)
		if h.doors != 4 || took.Round(time.Second) != 10*time.Second {
			t.Errorf("%d connections, %s", h.doors, took)
		}
		for e, err := range s.Entries(t.Context(), issue, ledger.Filter{}) {
			if err != nil || e.Attempts != 1 {
				t.Errorf("%+v %v", e, err)
			}
		}
	})
}

// A server that takes nothing on a new connection either is not asked for ever.
func TestAConnectionThatNeverCarriesIsNoWornOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hall{room: 0, stage: reply.AtMail, code: 451, text: "MI:DMC 163 smtp5"}
		s := store(t, 2)
		r := start(s, into(t, h, "163", 1))
		r.Patience = time.Second
		early, err := r.Do(t.Context())
		if err != nil || len(early) != 1 || len(h.turned) != 2 {
			t.Errorf("%d refused: %+v %v", len(h.turned), early, err)
		}
		if sum := totals(t, s); sum.Deferred != 2 {
			t.Errorf("%+v", sum)
		}
	})
}
