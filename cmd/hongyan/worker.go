package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/archive"
	"hongyan/internal/config"
	"hongyan/internal/crew"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/metrics"
	"hongyan/internal/office"
	"hongyan/internal/pace"
	"hongyan/internal/run"
	"hongyan/internal/schedule"
)

type workerOptions struct {
	accounts []string
	lanes    int
	listen   string
}

func newWorker(d *door) *cobra.Command {
	var o workerOptions
	cmd := &cobra.Command{
		Use:   "worker",
		Short: d.say("work on a shared ledger with others, until interrupted"),
		Long: d.say("Takes accounts that have mails to send and that no other worker has, a minute at a time.\n" +
			"Start as many as you like, on any machine with the same configuration; one that dies is replaced within seconds."),
		Example: "  hongyan worker --state postgres://hongyan@db/hongyan\n  hongyan worker --accounts qq-1,qq-2 --listen :9464",
		Args:    d.exactly(0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return d.work(cmd.Context(), o) },
	}
	cmd.Flags().StringSliceVar(&o.accounts, "accounts", nil, d.say("take only these `ACCOUNTS` (default: all of the configuration)"))
	cmd.Flags().IntVar(&o.lanes, "lanes", 8, d.say("take at most so many accounts at once, `COUNT`"))
	cmd.Flags().StringVar(&o.listen, "listen", "", d.say("`HOST:PORT` at which /metrics, /livez and /readyz are asked for (without a host: by this machine alone; default: nowhere)"))
	return cmd
}

// A worker is this process as one of those that share the work.
type worker struct {
	*house
	books    *postgres.Store
	accounts []string // that it takes

	mu     sync.Mutex // guards the fields below
	thawed map[ledger.Key]*thawed
	turn   int // whose turn it is among the issues
}

// A thawed issue is one as it was packed, in a folder of its own.
type thawed struct {
	*edition
	dir, body string
}

func (d *door) work(ctx context.Context, o workerOptions) error {
	conf, err := d.config()
	if err != nil {
		return err
	}
	if !d.shared(conf) {
		return d.usagef("a worker works on a ledger that is shared: state: postgres://…")
	}
	if o.lanes < 1 {
		return d.usagef("--lanes: at least 1")
	}
	for _, name := range o.accounts {
		if _, ok := conf.Accounts[strings.ToLower(name)]; !ok {
			return d.usagef("there is no account %q in %s", name, conf.File)
		}
	}
	store, err := d.openShared(ctx, conf, true)
	if err != nil {
		return err
	}
	if o.listen != "" {
		d.metrics = metrics.New(version())
	}
	h := d.housed(conf, store)
	err = d.lookingOut(ctx, h, func() error { return d.crew(ctx, h, store, o) })
	return errors.Join(err, h.close())
}

// crew joins the others.
func (d *door) crew(ctx context.Context, h *house, store *postgres.Store, o workerOptions) error {
	w := &worker{house: h, books: store, thawed: map[ledger.Key]*thawed{}}
	for name := range h.conf.Accounts {
		if len(o.accounts) == 0 || slices.ContainsFunc(o.accounts, func(a string) bool { return strings.EqualFold(a, name) }) {
			w.accounts = append(w.accounts, name)
		}
	}
	defer w.close()
	fmt.Fprintln(d.err, d.say("Working on %s as %s. Ctrl-C ends it after the mails in flight.", d.state(h.conf).String(), workerName()))
	c := &crew.Crew{Pool: store.Pool(), Floor: w, Lanes: o.lanes, Log: d.log, Stop: d.interrupted}
	d.gauge(h)
	return w.whileAttended(ctx, o.listen, c)
}

func (w *worker) close() {
	for _, t := range w.thawed {
		t.edition.close()
		_ = os.RemoveAll(t.dir) // it is in the system's own temporary folder
	}
}

// The shelves that workers share: what is to be done, and until when an account
// is silent by its limits.
const (
	shelfWork   = "work"
	shelfRest   = "rest"
	shelfEnded  = "ended"  // of what it was told that it is done
	shelfPaused = "paused" // the office's
)

// An assignment is an issue that workers carry.
type assignment struct {
	Accounts []string `json:"accounts"`
}

// assign hands an issue to the workers.
func (h *house) assign(ctx context.Context, e *edition) error {
	var a assignment
	for _, account := range e.accounts {
		a.Accounts = append(a.Accounts, account.Name)
	}
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return errors.Join(h.store.Discard(ctx, shelfEnded, e.key.String()), h.store.Put(ctx, shelfWork, e.key.String(), body))
}

// keyOf reads a key as it is written: a campaign's name has no slash.
func keyOf(name string) ledger.Key {
	campaign, issue, _ := strings.Cut(name, "/")
	return ledger.Key{Campaign: campaign, Issue: issue}
}

// Due lists what this worker would take. It also puts in order what dead workers
// left, and strikes out issues that are done.
func (w *worker) Due(ctx context.Context) ([]crew.Due, error) {
	if _, err := w.books.Reap(ctx); err != nil {
		return nil, err
	}
	able, err := w.able(ctx)
	if err != nil || len(able) == 0 {
		return nil, err
	}
	var due []crew.Due
	for paper, err := range w.books.Papers(ctx, shelfWork) {
		if err != nil {
			return nil, err
		}
		more, err := w.dueOf(ctx, paper, able)
		if err != nil {
			return nil, err
		}
		for _, d := range more { // another issue may need it too
			if !slices.Contains(due, d) {
				due = append(due, d)
			}
		}
	}
	return due, nil
}

// lanesOf are the lanes of an account, as this worker is configured to split it.
func (w *worker) lanesOf(account string) []postgres.Lane {
	lanes := make([]postgres.Lane, max(w.conf.Accounts[account].Lanes, 1))
	for i := range lanes {
		lanes[i] = postgres.Lane{Account: account, N: i, Of: len(lanes)}
	}
	return lanes
}

// able are the lanes of this worker that nobody has and that nothing silences, with
// their epochs. While others have an account split otherwise, it is theirs.
func (w *worker) able(ctx context.Context) (map[postgres.Lane]int64, error) {
	standings, err := w.books.Standings(ctx)
	if err != nil {
		return nil, err
	}
	split := map[string]int{} // of accounts that somebody has
	for lane, s := range standings {
		if s.Taken {
			split[lane.Account] = lane.Of
		}
	}
	able := map[postgres.Lane]int64{}
	for _, account := range w.accounts {
		for _, lane := range w.lanesOf(account) {
			if s := standings[lane]; !s.Taken && (split[account] == 0 || split[account] == lane.Of) {
				able[lane] = s.Epoch
			}
		}
	}
	silent, err := w.silent(ctx)
	for lane := range able {
		if silent[lane.Account] || silent[lane.String()] {
			delete(able, lane)
		}
	}
	return able, err
}

// silent are the accounts, and lanes of accounts, that must not send now.
func (w *worker) silent(ctx context.Context) (map[string]bool, error) {
	out := map[string]bool{}
	holds, err := w.books.Holds(ctx)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for _, h := range holds {
		if h.Holds(now) {
			out[h.Account] = true
		}
	}
	for _, shelf := range []string{shelfRest, shelfErrand} {
		silent, err := w.untils(ctx, shelf)
		if err != nil {
			return nil, err
		}
		for name := range silent {
			out[name] = true
		}
	}
	return out, nil
}

// dueOf lists the able lanes that an issue needs now.
func (w *worker) dueOf(ctx context.Context, paper ledger.Paper, able map[postgres.Lane]int64) (due []crew.Due, err error) {
	key := keyOf(paper.Name)
	var a assignment
	if err := json.Unmarshal(paper.Body, &a); err != nil {
		return nil, err
	}
	if paused, err := w.books.Paper(ctx, shelfPaused, paper.Name); err != nil || paused != nil {
		return nil, err
	}
	open := false
	for _, account := range a.Accounts {
		for _, lane := range w.lanesOf(account) {
			at, more, err := w.books.Part(lane.N, lane.Of).NextDue(ctx, key, account)
			if err != nil {
				return nil, err
			}
			open = open || more || !at.IsZero()
			epoch, ok := able[lane]
			if ok && (more || !at.IsZero() && !at.After(time.Now())) {
				due = append(due, crew.Due{Account: account, Lane: lane.N, Of: lane.Of, Epoch: epoch})
			}
		}
	}
	if open {
		return due, nil
	}
	return nil, w.strike(ctx, paper)
}

// strike takes an issue off the list when nothing of it is left.
func (w *worker) strike(ctx context.Context, paper ledger.Paper) error {
	key := keyOf(paper.Name)
	if left, err := w.left(ctx, key); err != nil || left > 0 {
		return err
	}
	first, err := w.books.PutNew(ctx, shelfEnded, key.String(), nil)
	if err != nil {
		return err
	}
	if first { // others find it done at the same time
		w.lookout.ended(ctx, w.books, key, nil)
	}
	if err := w.books.Discard(ctx, shelfWork, paper.Name); err != nil {
		return err
	}
	// What was opened anew just before found the issue still there.
	if left, err := w.left(ctx, key); err != nil || left == 0 {
		return err
	}
	return w.books.Put(ctx, shelfWork, paper.Name, paper.Body)
}

// left is how many mails of an issue are still to leave.
func (w *worker) left(ctx context.Context, key ledger.Key) (int, error) {
	totals, err := w.books.Totals(ctx, key)
	return totals.Queued + totals.Sending + totals.Deferred, err
}

// slice is how long an account stays with one worker.
const slice = time.Minute

// Pump works over a lane of an account for a slice. A lease that is somebody else's, or
// was lost, and a database that is away are nothing to worry about: the account
// comes due again.
func (w *worker) Pump(ctx context.Context, d crew.Due) error {
	by := postgres.Lane{Account: d.Account, N: d.Lane, Of: max(d.Of, 1)}
	books := w.books.Part(by.N, by.Of)
	err := books.Take(ctx, by.Account)
	if errors.Is(err, ledger.ErrElsewhere) {
		return nil
	}
	if err != nil {
		return err
	}
	err = w.pump(ctx, by, time.Now().Add(slice))
	if back := books.HandBack(context.WithoutCancel(ctx), by.Account); back != nil {
		w.door.log.Warn("the account's lease runs out by itself", slog.String("account", by.String()), slog.Any("err", back))
	}
	if errors.Is(err, ledger.ErrElsewhere) || errors.Is(err, ledger.ErrAway) {
		w.door.log.Warn("the account was lost", slog.String("account", by.String()), slog.Any("err", err))
		return nil
	}
	return err
}

// pump gives the issues that need the lane their shares of the slice.
func (w *worker) pump(ctx context.Context, by postgres.Lane, end time.Time) error {
	if err := w.freshen(ctx, by); err != nil {
		return err
	}
	keys, err := w.issues(ctx, by)
	if err != nil {
		return err
	}
	for i, key := range keys {
		share := time.Until(end) / time.Duration(len(keys)-i)
		silent, err := w.carry(ctx, key, by, share)
		if err != nil || silent || w.stopped() || w.lent(ctx, by.Account) {
			return err
		}
	}
	return nil
}

// issues are those that need a lane, each time another one first.
func (w *worker) issues(ctx context.Context, by postgres.Lane) (keys []ledger.Key, err error) {
	for paper, err := range w.books.Papers(ctx, shelfWork) {
		if err != nil {
			return nil, err
		}
		due, err := w.dueOf(ctx, paper, map[postgres.Lane]int64{by: 0})
		if err != nil {
			return nil, err
		}
		if len(due) > 0 {
			keys = append(keys, keyOf(paper.Name))
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn++
	return slices.Concat(keys[w.turn%len(keys):], keys[:w.turn%len(keys)]), nil
}

// carry is one issue's share of a lane, and reports whether the lane is silent from
// then on.
func (w *worker) carry(ctx context.Context, key ledger.Key, by postgres.Lane, share time.Duration) (silent bool, err error) {
	account := by.Account
	t, err := w.thaw(ctx, key)
	if err != nil {
		return false, w.setAside(ctx, key, account, err)
	}
	lane, err := w.laneOf(ctx, t.edition, by)
	if err != nil {
		return false, w.setAside(ctx, key, account, err)
	}
	learned := func(ctx context.Context) error { return w.keepOf(ctx, by) }
	over := make(chan struct{})
	done := make(chan struct{})
	var beside sync.WaitGroup
	beside.Go(func() { w.ration(ctx, key, by, time.After(share), done); close(over) })
	r := &run.Run{
		Key: key, Ledger: w.door.timed(memory{w.booksOf(by), learned, w.lookout.held}), Lanes: []*run.Lane{lane},
		Retry: retry(w.conf.Retry), Patience: time.Second, Stop: over, Watch: w.lookout.watch(key, func(run.Event) {}),
		List: t.camp.List, Suppressor: w.store,
	}
	early, err := r.Do(ctx)
	close(done)
	beside.Wait()
	if err == nil || errors.Is(err, context.Canceled) {
		return len(early) > 0 && !early[0].Due, errors.Join(w.rest(ctx, by, early), learned(ctx))
	}
	if errors.Is(err, ledger.ErrElsewhere) || errors.Is(err, ledger.ErrAway) {
		return true, err
	}
	return true, w.setAside(ctx, key, account, err)
}

// ration returns when a share is over: by its time, by a person who has paused the
// issue, by one who wants the account, or by a hold that another lane of it met.
func (w *worker) ration(ctx context.Context, key ledger.Key, by postgres.Lane, end <-chan time.Time, done <-chan struct{}) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if w.recalled(ctx, key, by.Account) || by.Of > 1 && w.held(ctx, by.Account) {
				return
			}
		case <-end:
			return
		case <-done:
			return
		case <-w.door.interrupted:
			return
		}
	}
}

// recalled asks the ledger; while that is away the run finds out by itself.
func (w *worker) recalled(ctx context.Context, key ledger.Key, account string) bool {
	paused, err := w.books.Paper(ctx, shelfPaused, key.String())
	return err == nil && paused != nil || w.lent(ctx, account)
}

// held reports whether an account is held.
func (w *worker) held(ctx context.Context, account string) bool {
	holds, err := w.books.Holds(ctx)
	return err == nil && slices.ContainsFunc(holds, func(h ledger.Hold) bool { return h.Account == account && h.Holds(time.Now()) })
}

// lent reports whether somebody wants the account for an errand.
func (w *worker) lent(ctx context.Context, account string) bool {
	wanted, err := w.untils(ctx, shelfErrand)
	_, ok := wanted[account]
	return err == nil && ok
}

func (w *worker) stopped() bool {
	select {
	case <-w.door.interrupted:
		return true
	default:
		return false
	}
}

// rest tells all workers until when a lane is silent by its limits.
func (w *worker) rest(ctx context.Context, by postgres.Lane, early []run.Early) error {
	if len(early) == 0 || early[0].Due || early[0].Human {
		return nil
	}
	body, err := json.Marshal(early[0].Until)
	if err != nil {
		return err
	}
	return w.store.Put(ctx, shelfRest, by.String(), body)
}

// setAside stops an issue until a person has acted, as the office does. What may
// be gone at the next try, such as a database that is away, stops nothing.
func (w *worker) setAside(ctx context.Context, key ledger.Key, account string, why error) error {
	if ctx.Err() != nil || !lasting(why) {
		return why
	}
	pause := office.Pause{At: time.Now(), Account: account, Why: why.Error(), Stopped: true}
	if stopped, ok := errors.AsType[*run.Stopped](why); ok {
		pause.Why = stopped.Refusal.Reply()
	}
	body, err := json.Marshal(pause)
	if err != nil {
		return err
	}
	w.door.log.Error("the issue is set aside", slog.String("issue", key.String()), slog.Any("err", why))
	ctx = context.WithoutCancel(ctx)
	first, err := w.store.PutNew(ctx, shelfPaused, key.String(), body)
	if first { // another account may have come to the same end
		w.lookout.ended(ctx, w.store, key, errors.New(pause.Why))
	}
	return err
}

// lasting reports whether only a person can mend it: a verdict, a fault in the
// issue's files, what they have become, or files that are not there.
func lasting(why error) bool {
	_, stopped := errors.AsType[*run.Stopped](why)
	_, isChanged := errors.AsType[*changed](why)
	_, isNothing := errors.AsType[*schedule.Nothing](why)
	return stopped || isChanged || isNothing || faultsIn(why) != nil || errors.Is(why, archive.ErrNone)
}

// thaw opens an issue as it was packed, once for as long as it is the same.
func (w *worker) thaw(ctx context.Context, key ledger.Key) (*thawed, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	body, err := w.books.Paper(ctx, "manifest", key.String())
	if err != nil {
		return nil, err
	}
	if t := w.thawed[key]; t != nil && t.body == string(body) {
		return t, nil
	}
	dir, err := os.MkdirTemp("", "hongyan-issue-")
	if err != nil {
		return nil, err
	}
	e, err := w.door.openFrozen(ctx, w.conf, w.books, key, dir)
	if err == nil {
		err = e.openKeys(ctx, w.books)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	// An earlier one stays for the slices that still have it; close removes all.
	t := &thawed{edition: e, dir: dir, body: string(body)}
	w.thawed[key] = t
	return t, nil
}

// laneOf is an account's way out for an issue, by one lane.
func (h *house) laneOf(ctx context.Context, e *edition, by postgres.Lane) (*run.Lane, error) {
	i := slices.IndexFunc(e.accounts, func(a config.Account) bool { return a.Name == by.Account })
	if i < 0 {
		return nil, fmt.Errorf("%s does not go through account %s", e.key, by.Account)
	}
	lane, err := h.lane(ctx, e, e.accounts[i], by)
	if err == nil && swift(e.accounts[i].Limits.Share(by.N, by.Of)) {
		lane.Ahead *= lots
	}
	return lane, err
}

// lots is how many times more an account claims at once on a shared ledger, where
// that is two round trips, and lanes of all workers take turns at it.
const lots = 4

// swift accounts have sent within moments what they hold; others would keep it
// from those that are idle.
func swift(l pace.Limits) bool {
	return l.GapMin == 0 && len(l.Warmup) == 0 && !slices.ContainsFunc(l.Windows, func(w pace.Window) bool {
		return w.Per > time.Duration(w.N)*20*time.Millisecond
	})
}

// keepOf keeps what one lane has learned. What others have is theirs to keep.
func (w *worker) keepOf(ctx context.Context, by postgres.Lane) error {
	for _, way := range w.open() {
		if way.lane.Account == by.Account && way.part == by.Part() {
			return w.keep(ctx, way)
		}
	}
	return nil
}

// freshen forgets what this process knew of a lane's pace: others may have sent by
// it since.
func (h *house) freshen(ctx context.Context, by postgres.Lane) error {
	account, ok := h.conf.Accounts[by.Account]
	if !ok {
		return fmt.Errorf("there is no account %s in %s", by.Account, h.conf.File)
	}
	w, err := h.wayBy(ctx, account, by)
	if err != nil {
		return err
	}
	account.Limits = account.Limits.Share(by.N, by.Of)
	pacer, err := h.pacer(ctx, account, h.booksOf(by))
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	w.pacer, w.lane.Pacer, w.knew = pacer, pacer, pacer.State()
	return nil
}
