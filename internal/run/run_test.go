package run_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/mail"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/message"
	"hongyan/internal/pace"
	"hongyan/internal/reply"
	"hongyan/internal/run"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var issue = ledger.Key{Campaign: "autumn", Issue: "main"}

// A post office takes mails and remembers them. Its fate decides what is said
// to the n-th mail handed to it, and where.
type office struct {
	pipelines bool
	fate      func(to string, n int) fate

	mu    sync.Mutex
	n     int
	taken []string
	asked []string               // every address offered
	seen  func(to string)        // called before the body is taken
	at    map[string][]time.Time // when a body was handed over
}

type fate struct {
	offer error // instead of a 354
	dot   error // instead of a 250
	keep  bool  // the mail is taken although dot is an error
}

func (o *office) Open() run.Session { return &session{office: o} }

type session struct {
	office *office
	open   *message.Message
	fate   fate
	riding bool
}

func (s *session) Offer(ctx context.Context, m *message.Message) error {
	if s.riding && s.open == m {
		s.riding = false
		return s.fate.offer
	}
	if err := ctx.Err(); err != nil {
		return &reply.Lost{Stage: reply.AtConnect, Err: err}
	}
	s.propose(m)
	return s.fate.offer
}

func (s *session) propose(m *message.Message) {
	o := s.office
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n++
	o.asked = append(o.asked, m.To)
	s.open, s.fate, s.riding = m, fate{}, false
	if o.fate != nil {
		s.fate = o.fate(m.To, o.n)
	}
}

func (s *session) Deliver(ctx context.Context, next *message.Message) (reply.Answer, error) {
	o, to, f := s.office, s.open.To, s.fate
	if o.seen != nil {
		o.seen(to)
	}
	o.mu.Lock()
	if o.at == nil {
		o.at = map[string][]time.Time{}
	}
	o.at[to] = append(o.at[to], time.Now())
	if f.dot == nil || f.keep {
		o.taken = append(o.taken, to)
	}
	o.mu.Unlock()
	s.open = nil
	if next != nil && o.pipelines && goesOn(f.dot) {
		s.propose(next)
		s.riding = true
	}
	if f.dot != nil {
		return reply.Answer{}, f.dot
	}
	return reply.Answer{Stage: reply.AtDot, Code: 250, Text: "OK: queued as."}, nil
}

// goesOn reports whether the connection lives on: what was refused at the dot
// was answered all the same.
func goesOn(dot error) bool {
	_, refused := errors.AsType[*reply.Refusal](dot)
	return dot == nil || refused
}

func (s *session) Pipelines() bool { return s.office.pipelines }
func (s *session) Riding() bool    { return s.riding }
func (s *session) Close() error    { s.open, s.riding = nil, false; return nil }

func refuse(stage reply.Stage, code int, text string) error {
	return &reply.Refusal{Answer: reply.New(stage, code, text)}
}

// people are n rows.
func people(n int) iter.Seq2[ledger.Row, error] {
	return func(yield func(ledger.Row, error) bool) {
		for i := range n {
			row := ledger.Row{Line: i + 2, Address: fmt.Sprintf("r%d@example.com", i), Fields: map[string]string{"name": "李"}}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func store(t *testing.T, n int) *ledgertest.Memory {
	t.Helper()
	s := ledgertest.NewMemory()
	if _, err := s.Plan(t.Context(), issue, ledger.Plan{At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Enqueue(t.Context(), issue, people(n)); err != nil {
		t.Fatal(err)
	}
	return s
}

func lane(t *testing.T, name string, o *office, limits pace.Limits) *run.Lane {
	t.Helper()
	composer, err := message.NewComposer(message.Letterhead{
		Campaign: issue.Campaign, Issue: issue.Issue, Key: make([]byte, 32),
		From: mail.Address{Name: "鸿雁", Address: name + "@qq.com"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	book, err := reply.Load("qq")
	if err != nil {
		t.Fatal(err)
	}
	return &run.Lane{
		Account: name, Sender: o, Pacer: pace.New(limits, nil, pace.Options{}), Judge: book.Judge,
		Compose: func(e ledger.Entry, date time.Time) (*message.Message, error) {
			return composer.Compose(message.Letter{
				To: mail.Address{Address: e.Address}, Subject: "你好", Text: []byte("你好"), Date: date,
			})
		},
		Connections: max(limits.Connections, 1), Ahead: 4, Workers: 2,
	}
}

func start(s *ledgertest.Memory, lanes ...*run.Lane) *run.Run {
	return &run.Run{
		Key: issue, Ledger: s, Lanes: lanes,
		Retry: func(n int) (time.Duration, bool) { return 5 * time.Minute, n < 4 },
	}
}

func totals(t *testing.T, s *ledgertest.Memory) ledger.Totals {
	t.Helper()
	sum, err := s.Totals(t.Context(), issue)
	if err != nil {
		t.Fatal(err)
	}
	if err := sum.Check(); err != nil {
		t.Fatal(err)
	}
	return sum
}

func once(t *testing.T, taken []string) {
	t.Helper()
	slices.Sort(taken)
	if n := len(slices.Compact(slices.Clone(taken))); n != len(taken) {
		t.Fatalf("%d mails were taken for %d recipients", len(taken), n)
	}
}

func TestEveryRecipientIsMailedOnce(t *testing.T) {
	for _, pipelines := range []bool{false, true} {
		t.Run(fmt.Sprintf("pipelines=%t", pipelines), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := store(t, 500)
				o := &office{pipelines: pipelines}
				limits := pace.Limits{Connections: 5}
				early, err := start(s, lane(t, "a", o, limits), lane(t, "b", o, limits)).Do(t.Context())
				if err != nil || early != nil {
					t.Fatal(early, err)
				}
				if sum := totals(t, s); sum.Sent != 500 || len(o.taken) != 500 {
					t.Fatalf("%+v, %d taken", sum, len(o.taken))
				}
				once(t, o.taken)

				if _, err := start(s, lane(t, "a", o, limits)).Do(t.Context()); err != nil {
					t.Fatal(err)
				}
				if len(o.taken) != 500 {
					t.Fatal("a second run mailed somebody again")
				}
			})
		})
	}
}

func TestIntentIsDurableBeforeTheBodyLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 40)
		o := &office{pipelines: true}
		o.seen = func(to string) {
			for e, err := range s.Entries(t.Context(), issue, ledger.Filter{Text: to}) {
				if err != nil || e.Address == to && e.State != ledger.Sending {
					t.Errorf("the body for %s left while its entry was %s (%v)", to, e.State, err)
				}
			}
		}
		if _, err := start(s, lane(t, "a", o, pace.Limits{Connections: 3})).Do(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOneMailAConnectionIsOpenAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 60)
		o := &office{pipelines: true}
		o.seen = func(string) {
			if sum := totals(t, s); sum.Sending > 3 {
				t.Errorf("%d mails were open on 3 connections", sum.Sending)
			}
		}
		if _, err := start(s, lane(t, "a", o, pace.Limits{Connections: 3})).Do(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestNoMemoryNoMail(t *testing.T) {
	for after := range 12 {
		synctest.Test(t, func(t *testing.T) {
			s := store(t, 20)
			o := &office{pipelines: after%2 == 0}
			intents, records := 0, 0
			s.OnRecord = func(events []ledger.Event) error {
				if records++; records > after {
					return io.ErrShortWrite
				}
				for _, e := range events {
					if _, ok := e.(ledger.Intent); ok {
						intents++
					}
				}
				return nil
			}
			_, err := start(s, lane(t, "a", o, pace.Limits{})).Do(t.Context())
			if !errors.Is(err, ledger.ErrBroken) && !errors.Is(err, io.ErrShortWrite) {
				t.Fatalf("after %d records: %v", after, err)
			}
			if len(o.taken) > intents {
				t.Fatalf("%d mails left with %d intents written down", len(o.taken), intents)
			}
		})
	}
}

// Found by the simulator: the last entry could not be skipped, and the run
// waited for it for ever.
func TestNoMemoryNoSkippingEither(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 3)
		s.OnRecord = func([]ledger.Event) error { return io.ErrShortWrite }
		l := lane(t, "a", &office{}, pace.Limits{})
		l.Compose = func(ledger.Entry, time.Time) (*message.Message, error) { return nil, errors.New("no value for name") }
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if _, err := start(s, l).Do(ctx); !errors.Is(err, ledger.ErrBroken) {
			t.Fatal(err)
		}
	})
}

func TestThrottledAccountFallsSilentAndTheOtherTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 30)
		busy := &office{fate: func(_ string, n int) fate {
			if n == 5 {
				return fate{dot: refuse(reply.AtDot, 550, "Too many attempts. Unable to send. Try again later")}
			}
			return fate{}
		}}
		idle := &office{}
		began := time.Now()
		slow := pace.Limits{GapMin: 6 * time.Second, GapMax: 10 * time.Second}
		if _, err := start(s, lane(t, "busy", busy, slow), lane(t, "idle", idle, slow)).Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		sum := totals(t, s)
		if sum.Sent != 30 {
			t.Fatalf("%+v", sum)
		}
		if len(idle.taken) < 20 {
			t.Errorf("the idle account sent only %d", len(idle.taken))
		}
		if took := time.Since(began); took < 2*time.Hour {
			t.Errorf("the throttled recipient was tried again after %s", took)
		}
		once(t, append(busy.taken, idle.taken...))
		holds, err := s.Holds(t.Context())
		if err != nil || len(holds) != 1 || holds[0].Account != "busy" {
			t.Errorf("holds: %v, %v", holds, err)
		}
	})
}

func TestRefusedLoginIsTriedOnceAndHoldsTheAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 10)
		o := &office{fate: func(string, int) fate {
			return fate{offer: refuse(reply.AtAuth, 535, "Login Fail. Please enter your authorization code to login.")}
		}}
		early, err := start(s, lane(t, "a", o, pace.Limits{})).Do(t.Context())
		if err != nil || len(early) != 1 || !early[0].Human {
			t.Fatal(early, err)
		}
		if len(o.asked) != 1 {
			t.Errorf("the login was tried %d times", len(o.asked))
		}
		if sum := totals(t, s); sum.Queued != 10 {
			t.Errorf("%+v", sum)
		}
	})
}

// What a server says instead of its greeting concerns nobody on the list: nobody is blamed, and the
// server is not asked once for each of them.
func TestServerThatDoesNotListenIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 50)
		back := time.Now().Add(24 * time.Hour)
		o := &office{fate: func(string, int) fate {
			if time.Now().Before(back) {
				return fate{offer: refuse(reply.AtGreeting, 451, "not today")}
			}
			return fate{}
		}}
		r := start(s, lane(t, "a", o, pace.Limits{}))
		r.Patience = time.Minute
		early, err := r.Do(t.Context())
		if err != nil || len(early) != 1 || early[0].Human || time.Until(early[0].Until) < 4*time.Minute {
			t.Fatal(early, err)
		}
		if sum := totals(t, s); len(o.asked) != 1 || sum.Queued != 50 {
			t.Errorf("asked %d times: %+v", len(o.asked), sum)
		}
		r = start(s, lane(t, "a", o, pace.Limits{}))
		if early, err = r.Do(t.Context()); err != nil || early != nil {
			t.Fatal(early, err)
		}
		if sum := totals(t, s); sum.Sent != 50 || len(o.asked) > 100 {
			t.Errorf("asked %d times: %+v", len(o.asked), sum)
		}
	})
}

func TestContentRefusedThreeTimesInARowStopsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 10)
		o := &office{fate: func(string, int) fate {
			return fate{dot: refuse(reply.AtDot, 550, "The mail may contain inappropriate words or content.")}
		}}
		_, err := start(s, lane(t, "a", o, pace.Limits{})).Do(t.Context())
		if _, ok := errors.AsType[*run.Stopped](err); !ok {
			t.Fatal(err)
		}
		if len(o.asked) != 3 {
			t.Errorf("%d mails were tried", len(o.asked))
		}
	})
}

func TestLostLinkCostsNoAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 3)
		o := &office{fate: func(_ string, n int) fate {
			if n == 2 {
				return fate{dot: &reply.Lost{Stage: reply.AtDot, Sent: 10, Err: io.EOF}}
			}
			return fate{}
		}}
		if _, err := start(s, lane(t, "a", o, pace.Limits{})).Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		for e, err := range s.Entries(t.Context(), issue, ledger.Filter{}) {
			if err != nil || e.State != ledger.Sent || e.Attempts != 1 {
				t.Errorf("%s: %s after %d attempts (%v)", e.Address, e.State, e.Attempts, err)
			}
		}
		once(t, o.taken)
	})
}

// A server that hangs up whenever it hears of a certain recipient is asked about
// the others, and about that one no oftener than about any who is put off.
func TestRecipientAtWhomTheLinkBreaksIsPutOffAndGivenUpInTheEnd(t *testing.T) {
	for _, people := range []int{1, 30} {
		synctest.Test(t, func(t *testing.T) {
			s := store(t, people)
			o := &office{fate: func(to string, _ int) fate {
				if to == "r0@example.com" {
					return fate{offer: &reply.Lost{Stage: reply.AtRcpt, Err: io.EOF}}
				}
				return fate{}
			}}
			if _, err := start(s, lane(t, "a", o, pace.Limits{})).Do(t.Context()); err != nil {
				t.Fatal(err)
			}
			if sum := totals(t, s); sum.Sent != people-1 || sum.Refused != 1 || len(o.asked) > people+5 {
				t.Errorf("asked %d times about %d people: %+v", len(o.asked), people, sum)
			}
		})
	}
}

// tardy answers what is due only when that is history.
type tardy struct{ *ledgertest.Memory }

func (m tardy) NextDue(ctx context.Context, key ledger.Key, account string) (time.Time, bool, error) {
	due, more, err := m.Memory.NextDue(ctx, key, account)
	time.Sleep(time.Second)
	return due, more, err
}

func TestWhoIsPutOffWhileTheLaneAsksWhatIsLeftIsNotForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 1)
		o := &office{fate: func(_ string, n int) fate {
			if n <= 2 {
				return fate{dot: refuse(reply.AtDot, 451, "come again")}
			}
			return fate{}
		}}
		o.seen = func(string) { time.Sleep(100 * time.Millisecond) }
		r := start(s, lane(t, "a", o, pace.Limits{}))
		r.Ledger = tardy{s}
		if _, err := r.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		if sum := totals(t, s); sum.Sent != 1 {
			t.Errorf("%+v", sum)
		}
	})
}

// A network that is away says nothing about whoever was next.
func TestOutageCostsNobodyAnAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 5)
		back := time.Now().Add(48 * time.Hour)
		o := &office{fate: func(_ string, n int) fate {
			if n == 1 {
				return fate{offer: &reply.Lost{Stage: reply.AtRcpt, Err: io.EOF}}
			}
			if time.Now().Before(back) {
				return fate{offer: &reply.Lost{Stage: reply.AtConnect, Err: io.EOF}}
			}
			return fate{}
		}}
		if _, err := start(s, lane(t, "a", o, pace.Limits{})).Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		for e, err := range s.Entries(t.Context(), issue, ledger.Filter{}) {
			if err != nil || e.State != ledger.Sent || e.Attempts != 1 {
				t.Errorf("%s: %s after %d attempts (%v)", e.Address, e.State, e.Attempts, err)
			}
		}
	})
}

// Whose envelope rode behind the last refusal of a run is not forgotten.
func TestWhoRodeBehindTheEndOfARunIsLeftForTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 20)
		o := &office{pipelines: true, fate: func(_ string, n int) fate {
			if 3 <= n && n <= 5 {
				return fate{dot: refuse(reply.AtDot, 550, "The mail may contain inappropriate words or content.")}
			}
			return fate{}
		}}
		o.seen = func(string) { time.Sleep(time.Second) } // the next one is there to ride
		_, err := start(s, lane(t, "a", o, pace.Limits{})).Do(t.Context())
		if _, ok := errors.AsType[*run.Stopped](err); !ok {
			t.Fatal(err)
		}
		if _, err := start(s, lane(t, "a", o, pace.Limits{})).Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		if sum := totals(t, s); sum.Sent != 17 || sum.Refused != 3 {
			t.Errorf("%+v", sum)
		}
		once(t, o.taken)
	})
}

// An envelope that rode already when the account was put on hold goes back.
func TestNobodyRidesIntoAHold(t *testing.T) {
	for _, patience := range []time.Duration{0, time.Second} {
		for _, why := range []string{"Too many attempts. Unable to send. Try again later", "Login Fail. Please enter your authorization code to login."} {
			t.Run(fmt.Sprint(patience, why), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := store(t, 20)
					began := time.Now()
					o := &office{pipelines: true, fate: func(_ string, n int) fate {
						if n == 3 {
							return fate{dot: refuse(reply.AtDot, 550, why)}
						}
						return fate{}
					}}
					r := start(s, lane(t, "a", o, pace.Limits{}))
					r.Patience = patience
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					_, _ = r.Do(ctx)
					if len(o.taken) != 2 || time.Since(began) > 2*time.Minute {
						t.Errorf("%d mails left: %v", len(o.taken), o.taken)
					}
					if sum := totals(t, s); sum.Queued+sum.Deferred != 18 {
						t.Errorf("%+v", sum)
					}
				})
			})
		}
	}
}

// Whoever comes back earlier has to know whether a hold is to be lifted first.
func TestAnEarlyEndSaysWhetherAHoldOrALimitBroughtIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttled := &office{fate: func(string, int) fate {
			return fate{dot: refuse(reply.AtDot, 550, "Too many attempts. Unable to send. Try again later")}
		}}
		held := lane(t, "a", throttled, pace.Limits{})
		limited := lane(t, "b", &office{}, pace.Limits{Windows: []pace.Window{{N: 1, Per: 24 * time.Hour}}})
		for _, c := range []struct {
			lane *run.Lane
			held bool
		}{{held, true}, {held, true}, {limited, false}} { // the second time by the pacer
			r := start(store(t, 5), c.lane)
			r.Patience = time.Second
			early, err := r.Do(t.Context())
			if err != nil || len(early) != 1 || early[0].Held != c.held {
				t.Errorf("%+v, %v", early, err)
			}
		}
	})
}

func TestServerThatIsGoneIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 50)
		o := &office{fate: func(string, int) fate {
			return fate{offer: &reply.Lost{Stage: reply.AtConnect, Err: io.EOF}}
		}}
		r := start(s, lane(t, "a", o, pace.Limits{}))
		r.Patience = time.Minute
		early, err := r.Do(t.Context())
		if err != nil || len(early) != 1 {
			t.Fatal(early, err)
		}
		if len(o.asked) > 4 {
			t.Errorf("a dead server was tried %d times", len(o.asked))
		}
	})
}

// A server that hangs up at every dot may have taken each mail: it is not given
// the whole list to be doubted.
func TestDoubtsInARowLetTheAccountRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 50)
		o := &office{fate: func(string, int) fate {
			return fate{dot: &reply.Doubt{Sent: 100, Err: io.EOF}, keep: true}
		}}
		r := start(s, lane(t, "a", o, pace.Limits{}))
		r.Patience = time.Minute
		early, err := r.Do(t.Context())
		if err != nil || len(early) != 1 {
			t.Fatal(early, err)
		}
		if sum := totals(t, s); sum.InDoubt != 3 || sum.Queued != 47 {
			t.Errorf("%+v", sum)
		}
	})
}

func TestDoubtIsShownAndNeverSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 5)
		o := &office{fate: func(_ string, n int) fate {
			if n == 3 {
				return fate{dot: &reply.Doubt{Sent: 400, Err: io.EOF}, keep: true}
			}
			return fate{}
		}}
		for range 2 {
			if _, err := start(s, lane(t, "a", o, pace.Limits{})).Do(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if sum := totals(t, s); sum.InDoubt != 1 || sum.Sent != 4 {
			t.Errorf("%+v", sum)
		}
		once(t, o.taken)
	})
}

func TestStopLeavesNobodyInDoubt(t *testing.T) {
	for _, pipelines := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := store(t, 200)
			stop := make(chan struct{})
			var asked sync.Once
			o := &office{pipelines: pipelines}
			o.seen = func(string) {
				o.mu.Lock()
				n := o.n
				o.mu.Unlock()
				if n > 50 {
					asked.Do(func() { close(stop) })
				}
			}
			r := start(s, lane(t, "a", o, pace.Limits{Connections: 4}))
			r.Stop = stop
			if _, err := r.Do(t.Context()); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			sum := totals(t, s)
			if sum.Sent != len(o.taken) || sum.InDoubt+sum.Sending != 0 || sum.Queued == 0 {
				t.Fatalf("%+v, %d taken", sum, len(o.taken))
			}
			if _, err := start(s, lane(t, "a", o, pace.Limits{})).Do(t.Context()); err != nil {
				t.Fatal(err)
			}
			if sum := totals(t, s); sum.Sent != 200 {
				t.Fatalf("%+v", sum)
			}
			once(t, o.taken)
		})
	}
}

func TestDeferredIsTriedAgainWhenDueAndGivenUpInTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 2)
		o := &office{fate: func(to string, _ int) fate {
			if to == "r0@example.com" {
				return fate{offer: refuse(reply.AtRcpt, 450, "4.2.0 Greylisted, try later")}
			}
			return fate{}
		}}
		began := time.Now()
		if _, err := start(s, lane(t, "a", o, pace.Limits{})).Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		if sum := totals(t, s); sum.Sent != 1 || sum.Refused != 1 {
			t.Errorf("%+v", sum)
		}
		if len(o.asked) != 5 || time.Since(began) < 15*time.Minute {
			t.Errorf("asked %d times within %s", len(o.asked), time.Since(began))
		}
	})
}

func TestRowThatCannotBecomeAMailIsSkippedWithItsReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 3)
		o := &office{}
		l := lane(t, "a", o, pace.Limits{})
		compose := l.Compose
		l.Compose = func(e ledger.Entry, date time.Time) (*message.Message, error) {
			if e.Line == 3 {
				return nil, errors.New("no value for invoice")
			}
			return compose(e, date)
		}
		if _, err := start(s, l).Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		for e, err := range s.Entries(t.Context(), issue, ledger.Filter{States: []ledger.State{ledger.Skipped}}) {
			if err != nil || e.Line != 3 || e.Reply != "no value for invoice" {
				t.Errorf("%+v (%v)", e, err)
			}
		}
		if sum := totals(t, s); sum.Skipped != 1 || sum.Sent != 2 {
			t.Errorf("%+v", sum)
		}
	})
}

func TestPatienceEndsALaneInsteadOfWaitingForTomorrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 10)
		o := &office{}
		r := start(s, lane(t, "a", o, pace.Limits{Windows: []pace.Window{{N: 4, Per: 24 * time.Hour}}}))
		r.Patience = 10 * time.Minute
		early, err := r.Do(t.Context())
		if err != nil || len(early) != 1 || time.Until(early[0].Until) < 23*time.Hour {
			t.Fatal(early, err)
		}
		if sum := totals(t, s); sum.Sent != 4 || sum.Queued != 6 {
			t.Errorf("%+v", sum)
		}
	})
}

// What is told of a recipient says when each step was reached, in order, and
// nothing of steps that were not.
func TestStepsAreToldInOrder(t *testing.T) {
	for _, pipelines := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := store(t, 20)
			o := &office{pipelines: pipelines, seen: func(string) { time.Sleep(time.Second) }}
			o.fate = func(to string, _ int) fate {
				if to == "r3@example.com" {
					return fate{offer: refuse(reply.AtRcpt, 550, "5.1.1 no such user")}
				}
				return fate{}
			}
			r := start(s, lane(t, "a", o, pace.Limits{}))
			told := 0
			r.Watch = func(e run.Event) {
				settled, ok := e.(*run.Settled)
				if !ok {
					return
				}
				told++
				at := settled.Steps
				steps := []time.Time{at.Claimed, at.Composed, at.Turn, at.Offer}
				if settled.Outcome.State == ledger.Sent {
					steps = append(steps, at.Offered, at.Begun)
				} else if !at.Offered.IsZero() || !at.Begun.IsZero() {
					t.Errorf("%s was never to have a body: %+v", settled.Entry, at)
				}
				steps = append(steps, settled.Outcome.At, at.Settled)
				for i, step := range steps {
					if step.IsZero() || i > 0 && step.Before(steps[i-1]) {
						t.Errorf("%s: step %d of %v", settled.Entry, i, steps)
					}
				}
				if settled.Outcome.State == ledger.Sent && settled.Outcome.At.Sub(at.Begun) != time.Second {
					t.Errorf("the server took a second, the steps say %v", settled.Outcome.At.Sub(at.Begun))
				}
			}
			if _, err := r.Do(t.Context()); err != nil || told != 20 {
				t.Fatalf("%d told (%v)", told, err)
			}
		})
	}
}

// Whom an account put off that the campaign does not use any more goes out by
// another; what the first one did stays its own.
func TestWhomALostAccountPutOffGoesByAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 6)
		blocked := &office{fate: func(_ string, n int) fate {
			if n > 2 {
				return fate{dot: refuse(reply.AtDot, 451, "try again in 20 minutes")}
			}
			return fate{}
		}}
		r := start(s, lane(t, "blocked", blocked, pace.Limits{}))
		r.Patience = time.Minute
		if _, err := r.Do(t.Context()); err != nil || totals(t, s).Deferred != 4 {
			t.Fatal(totals(t, s), err)
		}
		other := &office{}
		l := lane(t, "other", other, pace.Limits{})
		l.Orphans = []string{"gone", "blocked"}
		if early, err := start(s, l).Do(t.Context()); err != nil || early != nil {
			t.Fatal(early, err)
		}
		if sum := totals(t, s); sum.Sent != 6 || len(other.taken) != 4 {
			t.Errorf("%+v, %d by the other", sum, len(other.taken))
		}
		if past, err := s.History(t.Context(), "blocked", time.Time{}); err != nil || len(past) != 6 {
			t.Errorf("the past of the lost account: %v, %v", past, err)
		}
	})
}
