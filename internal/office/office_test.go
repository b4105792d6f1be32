package office_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/message"
	"hongyan/internal/office"
	"hongyan/internal/pace"
	"hongyan/internal/reply"
	"hongyan/internal/run"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A provider takes mails and remembers them, and how many connections it saw
// at once. Its fate decides what it says to the mail of an address.
type provider struct {
	fate func(to string) error

	mu         sync.Mutex
	taken      []string
	at         []time.Time
	open, most int
}

func (p *provider) Open() run.Session {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open++
	p.most = max(p.most, p.open)
	return &session{provider: p}
}

type session struct {
	provider *provider
	mail     *message.Message
}

func (s *session) Offer(_ context.Context, m *message.Message) error {
	s.mail = m
	if s.provider.fate == nil {
		return nil
	}
	return s.provider.fate(m.To)
}

func (s *session) Deliver(context.Context, *message.Message) (reply.Answer, error) {
	time.Sleep(time.Second) // a bubble's: a mail takes a while
	p := s.provider
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken, p.at = append(p.taken, s.mail.To), append(p.at, time.Now())
	return reply.Answer{Stage: reply.AtDot, Code: 250, Text: "OK: queued as."}, nil
}

// half is half a mail's time. A lane that looked before the list was there
// begins a poll later, so the mail in flight is told only in the middle of it.
const half = 500 * time.Millisecond

func (s *session) Pipelines() bool { return false }
func (s *session) Riding() bool    { return false }

func (s *session) Close() error {
	s.provider.mu.Lock()
	defer s.provider.mu.Unlock()
	s.provider.open--
	return nil
}

// mails is how many mails of a campaign were taken.
func (p *provider) mails(campaign string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, to := range p.taken {
		if strings.HasSuffix(to, "@"+campaign+".example") {
			n++
		}
	}
	return n
}

func (p *provider) once(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.Sort(p.taken)
	if n := len(slices.Compact(slices.Clone(p.taken))); n != len(p.taken) {
		t.Errorf("%d mails were taken for %d recipients", len(p.taken), n)
	}
}

// A town is an office with what it needs.
type town struct {
	testing.TB
	*office.Office
	books *ledgertest.Memory
	stop  chan struct{}
	done  chan error

	mu     sync.Mutex
	events []office.Event
	gone   int
}

func newTown(t *testing.T, books *ledgertest.Memory) *town {
	w := &town{TB: t, books: books, stop: make(chan struct{}), done: make(chan error, 1)}
	w.Office = &office.Office{
		Books: books, Shelf: books, Stop: w.stop,
		Retry: func(n int) (time.Duration, bool) { return 5 * time.Minute, n < 4 },
		Tell:  func(e office.Event) { w.mu.Lock(); defer w.mu.Unlock(); w.events = append(w.events, e) },
	}
	return w
}

func (w *town) open(ctx context.Context) {
	go func() { w.done <- w.Run(ctx) }()
}

// close ends the office after the mails in flight.
func (w *town) close() {
	w.Helper()
	close(w.stop)
	if err := <-w.done; err != nil {
		w.Error(err)
	}
}

func (w *town) told(want string) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if strings.HasPrefix(fmt.Sprintf("%T %+v", e, e), want) {
			return
		}
	}
	w.Errorf("nobody told of %s; told was %+v", want, w.events)
}

func (w *town) totals(campaign string) ledger.Totals {
	w.Helper()
	sum, err := w.books.Totals(w.Context(), key(campaign))
	if err == nil {
		err = sum.Check()
	}
	if err != nil {
		w.Fatal(err)
	}
	return sum
}

func key(campaign string) ledger.Key { return ledger.Key{Campaign: campaign, Issue: "main"} }

// account is what issues share of one.
func account(t *testing.T, name string, p run.Sender, limits pace.Limits) *office.Lane {
	book, err := reply.Load("qq")
	if err != nil {
		t.Fatal(err)
	}
	pacer := pace.New(limits, nil, pace.Options{})
	return &office.Lane{
		Lane: &run.Lane{
			Account: name, Sender: p, Pacer: pacer, Judge: book.Judge,
			Connections: max(limits.Connections, 1), Ahead: 4, Workers: 1,
		},
		Lift: pacer.Lift,
		Keep: func(context.Context) error { return nil },
	}
}

// start puts n recipients of a campaign on the floor.
func (w *town) start(campaign string, n int, accounts ...*office.Lane) {
	w.Helper()
	if err := w.Start(w.Context(), w.issue(campaign, n, accounts...)); err != nil {
		w.Fatal(err)
	}
	synctest.Wait() // it is on the floor before the next one
}

func (w *town) issue(campaign string, n int, accounts ...*office.Lane) office.Issue {
	w.Helper()
	k := key(campaign)
	if _, err := w.books.Plan(w.Context(), k, ledger.Plan{At: time.Now()}); err != nil {
		w.Fatal(err)
	}
	issue := office.Issue{Key: k, Gone: func() { w.mu.Lock(); defer w.mu.Unlock(); w.gone++ }}
	issue.Fill = func(ctx context.Context) error {
		_, err := w.books.Enqueue(ctx, k, func(yield func(ledger.Row, error) bool) {
			for i := range n {
				if !yield(ledger.Row{Line: i + 2, Address: fmt.Sprintf("r%d@%s.example", i, campaign)}, ctx.Err()) {
					return
				}
			}
		})
		return err
	}
	composer, err := message.NewComposer(message.Letterhead{
		Campaign: campaign, Issue: "main", Key: make([]byte, 32), From: mail.Address{Address: "us@qq.com"},
	}, nil)
	if err != nil {
		w.Fatal(err)
	}
	for _, a := range accounts {
		lane := *a.Lane
		lane.Compose = func(e ledger.Entry, date time.Time) (*message.Message, error) {
			return composer.Compose(message.Letter{To: mail.Address{Address: e.Address}, Subject: "你好", Text: []byte("你好"), Date: date})
		}
		issue.Lanes = append(issue.Lanes, &office.Lane{Lane: &lane, Lift: a.Lift, Keep: a.Keep})
	}
	return issue
}

func TestIssuesShareAnAccountByTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{}
		w := newTown(t, ledgertest.NewMemory())
		w.open(t.Context())
		a := account(t, "a", p, pace.Limits{Connections: 2, GapMin: 2 * time.Second, GapMax: 2 * time.Second})
		w.start("spring", 300, a)
		w.start("summer", 100, a)

		time.Sleep(2*time.Minute + 30*time.Second)
		synctest.Wait()
		if spring, summer := p.mails("spring"), p.mails("summer"); spring < 25 || summer < 25 {
			t.Errorf("after two slices and a half: %d and %d mails", spring, summer)
		}
		time.Sleep(20 * time.Minute)
		w.close()
		w.told("office.Ended {Key:spring/main Totals:{Rows:300 Queued:0 Sending:0 Sent:300")
		w.told("office.Ended {Key:summer/main Totals:{Rows:100 Queued:0 Sending:0 Sent:100")
		p.once(t)
		if p.most > 2 {
			t.Errorf("%d connections at once", p.most)
		}
		for i := range p.at[1:] {
			if gap := p.at[i+1].Sub(p.at[i]); gap < 2*time.Second {
				t.Fatalf("mail %d came %s after the one before", i+1, gap)
			}
		}
		if w.gone != 2 {
			t.Errorf("%d issues were let go", w.gone)
		}
	})
}

func TestAnIssueGoesOverAllItsAccounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, q := &provider{}, &provider{}
		w := newTown(t, ledgertest.NewMemory())
		w.open(t.Context())
		w.start("spring", 200, account(t, "a", p, pace.Limits{}), account(t, "b", q, pace.Limits{}))
		time.Sleep(2 * time.Minute)
		w.close()
		if w.totals("spring").Sent != 200 || len(p.taken) < 80 || len(q.taken) < 80 {
			t.Errorf("%+v, %d and %d taken", w.totals("spring"), len(p.taken), len(q.taken))
		}
	})
}

func TestAPausedIssueStaysPausedOverARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, books := &provider{}, ledgertest.NewMemory()
		w := newTown(t, books)
		w.open(t.Context())
		a := account(t, "a", p, pace.Limits{})
		w.start("spring", 100, a)
		w.start("summer", 10, a)
		time.Sleep(10*time.Second + half)
		there, err := w.Pause(t.Context(), key("spring"), office.Pause{At: time.Now(), By: "li"})
		if !there || err != nil {
			t.Fatal(there, err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := p.mails("spring"); n != 11 {
			t.Errorf("%d mails left; 10 and the one in flight should have", n)
		}
		if p.mails("summer") != 10 {
			t.Error("the other issue did not go on")
		}
		w.told("office.Halted {Key:spring/main")
		w.close()

		w = newTown(t, books)
		w.open(t.Context())
		paused, err := w.Paused(t.Context())
		if err != nil || paused[key("spring")].By != "li" {
			t.Fatalf("%+v, %v", paused, err)
		}
		w.start("spring", 100, a)
		if paused, err = w.Paused(t.Context()); len(paused) != 0 || err != nil {
			t.Fatalf("%+v, %v", paused, err)
		}
		time.Sleep(time.Hour)
		w.close()
		if w.totals("spring").Sent != 100 {
			t.Errorf("%+v", w.totals("spring"))
		}
		p.once(t)
	})
}

func TestAVerdictStopsTheIssueAndNotTheOffice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{fate: func(to string) error {
			if strings.HasSuffix(to, "@spring.example") {
				return &reply.Refusal{Answer: reply.New(reply.AtData, 550, "The mail may contain inappropriate words or content.")}
			}
			return nil
		}}
		w := newTown(t, ledgertest.NewMemory())
		w.open(t.Context())
		// So slow that a slice has one mail: what comes in a row counts over slices.
		a := account(t, "a", p, pace.Limits{GapMin: 2 * time.Minute, GapMax: 2 * time.Minute})
		w.start("spring", 10, a)
		w.start("summer", 10, a)
		time.Sleep(3 * time.Hour)
		paused, err := w.Paused(t.Context())
		if pause := paused[key("spring")]; err != nil || !pause.Stopped || !strings.Contains(pause.Why, "inappropriate words") {
			t.Errorf("%+v, %v", paused, err)
		}
		w.told("office.Ended {Key:summer/main")
		w.close()
		if len(p.taken) != 10 {
			t.Errorf("%d mails were taken", len(p.taken))
		}
	})
}

func TestALiftedHoldEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttled := true
		p := &provider{fate: func(string) error {
			if throttled {
				throttled = false
				return &reply.Refusal{Answer: reply.New(reply.AtAuth, 535, "Login fail. Account is abnormal, service is not open, password is incorrect")}
			}
			return nil
		}}
		w := newTown(t, ledgertest.NewMemory())
		w.open(t.Context())
		w.start("spring", 10, account(t, "a", p, pace.Limits{}))
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		w.told("office.Held {Hold:{Account:a")
		floor := w.Floor()
		if len(floor) != 1 || !floor[0].Held || len(p.taken) != 0 {
			t.Fatalf("%+v, %d taken", floor, len(p.taken))
		}
		if err := w.books.Lift(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		w.Lifted("a")
		time.Sleep(11 * time.Second)
		w.told("office.Freed {Account:a}")
		if w.totals("spring").Sent != 10 {
			t.Errorf("%+v", w.totals("spring"))
		}
		w.close()
	})
}

func TestWhatIsPutOffKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := &provider{fate: func(to string) error {
			if to == "r0@spring.example" && time.Since(began) < 4*time.Minute {
				return &reply.Refusal{Answer: reply.New(reply.AtRcpt, 451, "greylisted, try again later")}
			}
			return nil
		}}
		w := newTown(t, ledgertest.NewMemory())
		w.open(t.Context())
		a := account(t, "a", p, pace.Limits{})
		w.start("spring", 5, a)
		w.start("summer", 5, a)
		time.Sleep(time.Minute)
		if w.totals("spring").Sent != 4 || w.totals("summer").Sent != 5 {
			t.Errorf("%+v and %+v", w.totals("spring"), w.totals("summer"))
		}
		if floor := w.Floor(); len(floor) != 1 || floor[0].Sending || floor[0].Until.IsZero() || !floor[0].PutOff || floor[0].Why != "" {
			t.Errorf("%+v", floor)
		}
		time.Sleep(15 * time.Minute)
		w.close()
		w.told("office.Ended {Key:spring/main Totals:{Rows:5 Queued:0 Sending:0 Sent:5")
	})
}

func TestWithoutMemoryTheOfficeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, n := &provider{}, 0
		w := newTown(t, ledgertest.NewMemory())
		w.books.OnRecord = func([]ledger.Event) error {
			if n++; n > 7 {
				return io.ErrShortWrite
			}
			return nil
		}
		w.open(t.Context())
		a := account(t, "a", p, pace.Limits{})
		late := w.issue("summer", 1, a)
		w.start("spring", 10, a)
		if err := <-w.done; !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("the office ended with %v", err)
		}
		if len(p.taken) > 4 {
			t.Errorf("%d mails were taken", len(p.taken))
		}
		if err := w.Start(t.Context(), late); !errors.Is(err, office.ErrShut) {
			t.Errorf("a closed office said %v", err)
		}
	})
}

func TestStoppingEndsTheMailInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{}
		w := newTown(t, ledgertest.NewMemory())
		w.open(t.Context())
		w.start("spring", 100, account(t, "a", p, pace.Limits{}), account(t, "b", p, pace.Limits{}))
		time.Sleep(5*time.Second + half)
		began := time.Now()
		w.close()
		if took := time.Since(began); took > time.Second {
			t.Errorf("stopping took %s", took)
		}
		if sum := w.totals("spring"); sum.Sent != len(p.taken) || sum.Sending+sum.InDoubt > 0 || sum.Sent != 12 {
			t.Errorf("%+v, %d taken", sum, len(p.taken))
		}
		if w.gone != 1 {
			t.Error("the issue was not let go")
		}
	})
}

func TestReopenedEntriesAreHeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var cured atomic.Bool
		p := &provider{fate: func(to string) error {
			if to == "r1@spring.example" && !cured.Load() {
				return &reply.Refusal{Answer: reply.New(reply.AtRcpt, 550, "Mailbox not found")}
			}
			return nil
		}}
		w := newTown(t, ledgertest.NewMemory())
		w.open(t.Context())
		a := account(t, "a", p, pace.Limits{})
		w.start("spring", 3, a)
		time.Sleep(time.Minute)
		cured.Store(true)
		reopen := func() {
			classes := []string{w.class("spring")}
			if n, err := w.books.Reopen(t.Context(), key("spring"), ledger.Reopening{Classes: classes, At: time.Now(), By: "li"}); n != 1 || err != nil {
				t.Fatal(n, err)
			}
		}
		reopen()
		if w.Again(key("spring")) {
			t.Error("an ended issue is on the floor")
		}
		w.start("spring", 3, a)
		time.Sleep(time.Minute)
		w.close()
		if w.totals("spring").Sent != 3 {
			t.Errorf("%+v", w.totals("spring"))
		}
	})
}

func (w *town) class(campaign string) string {
	w.Helper()
	for e, err := range w.books.Entries(w.Context(), key(campaign), ledger.Filter{States: []ledger.State{ledger.Refused}}) {
		if err != nil {
			w.Fatal(err)
		}
		return e.Class
	}
	w.Fatal("nobody was refused")
	return ""
}

func TestAnErrandGoesBetweenTwoSlices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &provider{}
		w := newTown(t, ledgertest.NewMemory())
		w.open(t.Context())
		a := account(t, "a", p, pace.Limits{})
		w.start("spring", 20, a)
		time.Sleep(5 * time.Second)
		err := w.Aside(t.Context(), a, func() {
			if p.open > 0 {
				t.Errorf("%d connections beside the errand", p.open)
			}
		})
		if err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		w.close()
		if w.totals("spring").Sent != 20 {
			t.Errorf("%+v", w.totals("spring"))
		}
		if err := w.Aside(t.Context(), a, func() { t.Error("an errand ran in a closed office") }); !errors.Is(err, office.ErrShut) {
			t.Error(err)
		}
	})
}

func TestABrokenListStopsItsIssue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, ledgertest.NewMemory())
		w.open(t.Context())
		issue := w.issue("spring", 1, account(t, "a", &provider{}, pace.Limits{}))
		issue.Fill = func(context.Context) error { return errors.New("the list cannot be read") }
		if err := w.Start(t.Context(), issue); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.told("office.Halted {Key:spring/main")
		paused, err := w.Paused(t.Context())
		if pause := paused[key("spring")]; err != nil || !pause.Stopped || pause.Why != "the list cannot be read" {
			t.Errorf("%+v, %v", paused, err)
		}
		w.close()
	})
}

func TestAnIssueIsOnTheFloorOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newTown(t, ledgertest.NewMemory())
		w.open(t.Context())
		a := account(t, "a", &provider{}, pace.Limits{})
		w.start("spring", 10, a)
		if err := w.Start(t.Context(), w.issue("spring", 10, a)); !errors.Is(err, office.ErrOnFloor) {
			t.Errorf("it was started twice: %v", err)
		}
		if !w.Again(key("spring")) {
			t.Error("it is not on the floor")
		}
		w.close()
	})
}
