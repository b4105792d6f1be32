package drill_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/mail"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/message"
	"hongyan/internal/pace"
	"hongyan/internal/reply"
)

// A kit is what worlds share, since it never changes.
type kit struct {
	book     *reply.Book
	composer *message.Composer
	sum      *census
}

// A census counts what happened in all worlds.
type census struct{ lives, deaths, mails, settled atomic.Int64 }

func (c *census) String() string {
	return fmt.Sprintf("%d lives, %d of them ended by death or a full disk, %d mails taken, %d doubts settled by a person",
		c.lives.Load(), c.deaths.Load(), c.mails.Load(), c.settled.Load())
}

func newKit(t *testing.T) kit {
	t.Helper()
	worn := reply.UserFile{Name: "worn.yaml", Data: []byte("rules: [{token: 'MI:DMC', class: transient, wait: 1s, reconnect: true}]")}
	book, err := reply.Load("qq", worn)
	if err != nil {
		t.Fatal(err)
	}
	composer, err := message.NewComposer(message.Letterhead{
		Campaign: "sim", Issue: "main", Key: make([]byte, 32), From: mail.Address{Address: "a@example.com"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return kit{book, composer, &census{}}
}

var simulated = ledger.Key{Campaign: "sim", Issue: "main"}

// An account of the world, as the door would have configured it.
type account struct {
	name        string
	limits      pace.Limits
	pipelines   bool
	trouble     float64 // share of mails to which something happens
	connections int
	room        int // connections that the office takes at once
	each        int // mails that it takes on a connection; 0: any number
}

// A world is one seed played out in virtual time. The truth about what the
// post office took is kept here, where no process can reach it.
type world struct {
	kit
	seed     uint64
	rand     *rand.Rand // of the one goroutine that plays
	wrong    sabotage
	store    *ledgertest.Memory
	accounts []account
	born     time.Time
	calm     bool // nothing goes wrong any more

	mu      sync.Mutex
	offset  time.Duration         // of the wall clock against the truth
	learned map[string]pace.State // as the door stored it, by account
	taken   map[string]int        // by recipient
	since   map[string]int        // taken since a person last had it sent again
	again   map[string]int        // how often a person had it sent again
	vouched map[string]bool       // a person said that it was sent
	asked   map[string]int        // how often the office saw the recipient
	turns   map[string]time.Time  // of each recipient's domain, its last turn, in truth
	left    map[string][]time.Time
}

func newWorld(k kit, seed uint64, wrong *sabotage) *world {
	w := &world{
		kit: k, seed: seed, rand: rand.New(rand.NewPCG(seed, 0x5eed)), store: ledgertest.NewMemory(), born: time.Now(),
		learned: map[string]pace.State{}, taken: map[string]int{}, since: map[string]int{}, again: map[string]int{},
		vouched: map[string]bool{}, asked: map[string]int{}, turns: map[string]time.Time{}, left: map[string][]time.Time{},
	}
	if wrong != nil {
		w.wrong = *wrong
	}
	for i := range 1 + w.rand.IntN(3) {
		a := account{name: fmt.Sprintf("a%d", i), pipelines: w.rand.IntN(2) == 0, trouble: 0.4 * w.rand.Float64(), connections: 1 + w.rand.IntN(3)}
		a.limits = pace.Limits{Windows: []pace.Window{{N: 2 + w.rand.IntN(8), Per: time.Duration(1+w.rand.IntN(20)) * time.Minute}}}
		a.room = a.connections - w.rand.IntN(a.connections)
		if w.rand.IntN(4) == 0 {
			a.each = 1 + w.rand.IntN(4)
		}
		if w.rand.IntN(2) == 0 {
			a.limits.GapMin = time.Duration(w.rand.IntN(9)) * time.Second
			a.limits.GapMax = a.limits.GapMin + 3*time.Second
		}
		w.accounts = append(w.accounts, a)
	}
	return w
}

// chance draws from the seed for something that many goroutines ask about in
// any order; the same question always has the same answer.
func (w *world) chance(about string, n int) *rand.Rand {
	h := w.seed*0x9e3779b97f4a7c15 + uint64(n)
	for _, c := range []byte(about) {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return rand.New(rand.NewPCG(h, 0xfa7e))
}

// clock is what the machine's wall clock says.
func (w *world) clock() time.Time { return time.Now().Add(w.skew()) }

func (w *world) skew() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.offset
}

func (w *world) set(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offset += by
}

// enqueue writes the list down in a first life, 5 to 20 recipients, each with a
// domain of its own.
func (w *world) enqueue(ctx context.Context) error {
	if _, err := w.store.Plan(ctx, simulated, ledger.Plan{At: w.clock()}); err != nil {
		return err
	}
	n := 5 + w.chance("list", 0).IntN(16)
	_, err := w.store.Enqueue(ctx, simulated, func(yield func(ledger.Row, error) bool) {
		for i := range n {
			if !yield(ledger.Row{Line: i + 2, Address: fmt.Sprintf("r@d%d.example", i)}, nil) {
				return
			}
		}
	})
	return err
}

// always and seldom say how eager a person is between two lives.
const (
	always = 1.0
	seldom = 0.3
)

// between is the time in which no process lives: it passes, the clock is set
// back, a person acts.
func (w *world) between(ctx context.Context) error {
	if nap(ctx, time.Duration(w.rand.Int64N(int64(2*time.Hour)))) != nil {
		return ctx.Err()
	}
	if w.rand.IntN(6) == 0 {
		w.set([]time.Duration{-time.Hour, -24 * time.Hour}[w.rand.IntN(2)])
	}
	return w.amend(ctx, seldom)
}

// amend is a person who lifts the holds that only a person can, and settles
// doubts, rightly or wrongly.
func (w *world) amend(ctx context.Context, eagerness float64) error {
	holds, err := w.store.Holds(ctx)
	if err != nil {
		return err
	}
	for _, h := range holds {
		if h.Human && w.rand.Float64() < eagerness {
			err = errors.Join(err, w.store.Lift(ctx, h.Account))
		}
	}
	for e, broken := range w.store.Entries(ctx, simulated, ledger.Filter{States: []ledger.State{ledger.InDoubt}}) {
		if broken != nil {
			return broken
		}
		if w.rand.Float64() < eagerness {
			err = errors.Join(err, w.settle(ctx, e))
		}
	}
	return err
}

func (w *world) settle(ctx context.Context, e ledger.Entry) error {
	s := ledger.Settlement{IDs: []int64{e.ID}, To: ledger.Sent, At: w.clock(), By: "a person"}
	w.mu.Lock()
	if w.rand.IntN(2) == 0 {
		s.To = ledger.Deferred
		w.again[e.Address]++
		w.since[e.Address] = 0
	} else {
		w.vouched[e.Address] = true
	}
	w.mu.Unlock()
	w.sum.settled.Add(1)
	n, err := w.store.Settle(ctx, simulated, s)
	if err == nil && n != 1 {
		err = fmt.Errorf("%s: the doubt could not be settled", e.Address)
	}
	return err
}

// press composes the mail of an entry, as a Mailing would.
func (w *world) press(e ledger.Entry, date time.Time) (*message.Message, error) {
	if e.Line%7 == 0 {
		return nil, errors.New("no value for name")
	}
	return w.composer.Compose(message.Letter{To: mail.Address{Address: e.Address}, Subject: "sim", Text: []byte("sim"), Date: date})
}

// nap waits in virtual time.
func nap(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retry puts off for five minutes, three times.
func retry(n int) (time.Duration, bool) { return 5 * time.Minute, n < 4 }
