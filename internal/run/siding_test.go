package run_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
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

// at is a list of n people whose domains take turns.
func at(t *testing.T, n int, domains ...string) *ledgertest.Memory {
	t.Helper()
	s := store(t, 0)
	var rows iter.Seq2[ledger.Row, error] = func(yield func(ledger.Row, error) bool) {
		for i := range n {
			if !yield(ledger.Row{Line: i + 2, Address: fmt.Sprintf("r%d@%s", i, domains[i%len(domains)])}, nil) {
				return
			}
		}
	}
	if _, err := s.Enqueue(t.Context(), issue, rows); err != nil {
		t.Fatal(err)
	}
	return s
}

func limited(t *testing.T, limits map[string]any) pace.Limits {
	t.Helper()
	l, bad := pace.ParseLimits(limits)
	if bad != nil {
		t.Fatal(bad)
	}
	return l
}

// deferrals counts what a run writes down as put off.
func deferrals(n *int) func(run.Event) {
	return func(e run.Event) {
		if e, ok := e.(*run.Settled); ok && e.Outcome.State == ledger.Deferred {
			*n++
		}
	}
}

// The account's own pause is what the others wait for, and no longer.
func TestADomainThatHadItsShareKeepsNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := at(t, 60, "qq.com", "163.com")
		o, putOff := &office{}, 0
		r := start(s, lane(t, "a", o, limited(t, map[string]any{"gap": "6s-10s", "pause": "5m after 30", "to": map[string]any{"qq.com": "15/day"}})))
		r.Watch = deferrals(&putOff)
		began := time.Now()
		if _, err := r.Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		for to, when := range o.at {
			if strings.HasSuffix(to, "@163.com") && when[0].Sub(began) > time.Hour {
				t.Errorf("%s had to wait for %s", to, when[0].Sub(began))
			}
		}
		if sum := totals(t, s); sum.Sent != 60 || putOff > 0 {
			t.Errorf("%d deferrals are written down, %+v", putOff, sum)
		}
		once(t, o.taken)
	})
}

func TestAnotherLaneTakesWhomADomainsLimitKeeps(t *testing.T) {
	for _, patience := range []time.Duration{0, 10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := at(t, 40, "qq.com")
			tight, free := &office{}, &office{}
			r := start(s, lane(t, "tight", tight, limited(t, map[string]any{"to": map[string]any{"qq.com": "3/day"}})),
				lane(t, "free", free, limited(t, map[string]any{"gap": "8s"})))
			r.Patience = patience
			began := time.Now()
			early, err := r.Do(t.Context())
			if err != nil || patience == 0 && early != nil {
				t.Fatal(early, err)
			}
			if took := time.Since(began); totals(t, s).Sent != 40 || took > time.Hour {
				t.Errorf("patience %s: %+v after %s", patience, totals(t, s), took)
			}
			once(t, append(tight.taken, free.taken...))
		})
	}
}

// A limit by the minute is waited for also by who does not wait long.
func TestAShortWaitForADomainIsNoReasonToGoHome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := at(t, 70, "qq.com")
		o := &office{}
		r := start(s, lane(t, "a", o, limited(t, map[string]any{"to": map[string]any{"qq.com": "20/min"}})))
		r.Patience = 10 * time.Minute
		if early, err := r.Do(t.Context()); err != nil || early != nil || len(o.taken) != 70 {
			t.Errorf("%d sent, %v, %v", len(o.taken), early, err)
		}
	})
}

func TestALongWaitForADomainEndsAnImpatientRunAndGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := at(t, 30, "qq.com")
		o := &office{}
		r := start(s, lane(t, "a", o, limited(t, map[string]any{"to": map[string]any{"qq.com": "20/day"}})))
		r.Patience = 10 * time.Minute
		early, err := r.Do(t.Context())
		if err != nil || len(early) != 1 || !early[0].Due || time.Until(early[0].Until) < 23*time.Hour {
			t.Fatal(early, err)
		}
		left, err := s.Claim(t.Context(), issue, "b", 50, time.Now())
		if err != nil || len(left) != 10 || totals(t, s).Queued != 10 {
			t.Errorf("%d can be claimed, %+v (%v)", len(left), totals(t, s), err)
		}
	})
}

// The list is still being read when all of it that is there belongs to a domain
// that had its share.
func TestWhoComesLateIsNotKeptByWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 0)
		listed := make(chan error, 1)
		go func() {
			_, err := s.Enqueue(t.Context(), issue, func(yield func(ledger.Row, error) bool) {
				for i := range 12 {
					domain := "qq.com"
					if i > 8 {
						domain = "163.com"
						time.Sleep(time.Second)
					}
					if !yield(ledger.Row{Line: i + 2, Address: fmt.Sprintf("r%d@%s", i, domain)}, nil) {
						return
					}
				}
			})
			listed <- err
		}()
		o := &office{}
		r := start(s, lane(t, "a", o, limited(t, map[string]any{"to": map[string]any{"qq.com": "2/day"}})))
		r.Patience = time.Minute
		early, err := r.Do(t.Context())
		if err != nil || len(early) != 1 || len(o.taken) != 5 {
			t.Errorf("%v were sent, %v, %v", o.taken, early, err)
		}
		if err := <-listed; err != nil {
			t.Error(err)
		}
	})
}

// While the probe is on its way the other connections look again soon; its
// success lets them go.
func TestASuccessfulProbeLetsTheOthersGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 40)
		throttled := false
		o := &office{fate: func(_ string, n int) fate {
			if n == 3 && !throttled {
				throttled = true
				return fate{dot: refuse(reply.AtDot, 450, "4.7.1 rate limit exceeded, try again in 1 minutes")}
			}
			return fate{}
		}}
		o.seen = func(string) { time.Sleep(time.Second) }
		began := time.Now()
		if _, err := start(s, lane(t, "a", o, pace.Limits{Connections: 5})).Do(t.Context()); err != nil {
			t.Fatal(err)
		}
		holds, err := s.Holds(t.Context())
		if err != nil || len(holds) != 1 {
			t.Fatal(holds, err)
		}
		over := holds[0].Until.Sub(began)
		if took := time.Since(began); totals(t, s).Sent != 40 || took > over+5*time.Minute {
			t.Errorf("%+v after %s, and the hold ended after %s", totals(t, s), took, over)
		}
	})
}

// A probe that was called off while it dialled is to be made again.
func TestAProbeThatWasCalledOffIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t, 5)
		l := lane(t, "a", &office{}, pace.Limits{})
		l.Sender = dialling{}
		l.Pacer.Hold(time.Now().Add(time.Minute), "throttled")
		time.Sleep(61 * time.Second)
		r, stop := start(s, l), make(chan struct{})
		r.Stop = stop
		time.AfterFunc(5*time.Second, func() { close(stop) })
		_, _ = r.Do(t.Context())
		if !l.Pacer.Take(time.Now(), "") {
			at, why := l.Pacer.Next(time.Now(), "")
			t.Errorf("the next may leave in %s: %s", time.Until(at), why)
		}
	})
}

// dialling never comes to an end of it.
type dialling struct{}

func (dialling) Open() run.Session { return &neverThere{session{office: &office{}}} }

type neverThere struct{ session }

func (*neverThere) Offer(ctx context.Context, _ *message.Message) error {
	<-ctx.Done()
	return &reply.Lost{Stage: reply.AtConnect, Err: ctx.Err()}
}

// Beyond what waits in memory people are put off, and nobody is lost.
func TestWhoFindsTheSidingFullIsDeferred(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const people = 10_100
		s, putOff := at(t, people, "qq.com"), 0
		l := lane(t, "a", &office{}, limited(t, map[string]any{"to": map[string]any{"qq.com": "20/day"}}))
		l.Ahead = 2000
		r := start(s, l)
		r.Patience, r.Watch = time.Minute, deferrals(&putOff)
		if early, err := r.Do(t.Context()); err != nil || len(early) != 1 {
			t.Fatal(early, err)
		}
		if sum := totals(t, s); sum.Sent != 20 || sum.Queued != 10_000 || sum.Deferred != people-10_020 || putOff != sum.Deferred {
			t.Errorf("%+v, %d put off", sum, putOff)
		}
	})
}
