package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/metrics"
	"hongyan/internal/pace"
	"hongyan/internal/run"
	"hongyan/internal/schedule"
)

type sendOptions struct {
	issue    string
	slot     schedule.Slot // that the issue is begun for; zero: none
	yes      bool
	confirm  int
	noWait   bool
	accept   bool
	inDoubt  string
	test     []string
	testRows string
	metrics  string
}

func newSend(d *door) *cobra.Command {
	var o sendOptions
	cmd := &cobra.Command{
		Use:   "send CAMPAIGN",
		Short: d.say("send a campaign, or go on where it stopped"),
		Long: d.say("Shows the plan, asks, then sends one mail per recipient and writes down what became of each.\n" +
			"Run it again at any time: who has the mail already gets no second one."),
		Example: "  hongyan send campaigns/welcome.yaml\n" +
			"  hongyan send --yes --no-wait campaigns/welcome.yaml\n" +
			"  hongyan send --test me@qq.com campaigns/welcome.yaml",
		Args: d.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error { return d.send(cmd.Context(), args[0], o) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.yes, "yes", false, d.say("send without asking"))
	flags.IntVar(&o.confirm, "confirm", -1, d.say("send without asking if the plan has exactly `COUNT` recipients"))
	flags.Lookup("confirm").DefValue = "0" // cobra leaves zeros out of the help
	flags.BoolVar(&o.noWait, "no-wait", false, d.say("do not wait through long holds and limits: end with exit code 4 and say when to come back"))
	flags.BoolVar(&o.accept, "accept-changes", false, d.say("go on although list, template or campaign have changed since the issue began"))
	flags.StringVar(&o.issue, "issue", "", d.say("the edition of the campaign, `NAME` (default: main); each edition mails everybody once"))
	flags.StringVar(&o.inDoubt, "in-doubt", "", d.say("settle what is in doubt before sending: `resend|sent`"))
	flags.StringSliceVar(&o.test, "test", nil, d.say("send the first rows to this `ADDRESS` instead, subject marked, nothing recorded"))
	flags.StringVar(&o.testRows, "rows", "", d.say("`LINES` of the list that --test sends: \"3,9-14\" (default: the first)"))
	flags.StringVar(&o.metrics, "metrics", "", d.say("write Prometheus metrics of this run to `FILE`, for node_exporter's textfile collector"))
	return cmd
}

func (d *door) send(ctx context.Context, file string, o sendOptions) error {
	if o.inDoubt != "" && o.inDoubt != "resend" && o.inDoubt != "sent" {
		return d.usagef("--in-doubt: %q is neither resend nor sent", o.inDoubt)
	}
	e, err := d.open(ctx, file, o.issue, toSend)
	if err != nil {
		return err
	}
	defer e.close()
	if len(o.test) > 0 {
		return d.sendTest(ctx, e, o)
	}
	if why := e.nothing(); why != nil {
		return d.sayNothing(e, why)
	}
	if o.metrics != "" {
		d.metrics = metrics.New(version())
	}
	h, err := d.openHouse(ctx, e.conf)
	if err != nil {
		return err
	}
	err = d.lookingOut(ctx, h, func() error { return d.sendIssue(ctx, e, h, o) })
	if o.metrics != "" {
		if failed := d.metrics.WriteFile(o.metrics); failed != nil {
			err = failed // the issue's own end has been told
		}
	}
	return errors.Join(err, h.close())
}

// lookingOut does something while it is watched from outside.
func (d *door) lookingOut(ctx context.Context, h *house, do func() error) (err error) {
	if h.lookout, err = d.lookout(ctx, h); err != nil {
		return err
	}
	telling, told := context.WithCancel(context.WithoutCancel(ctx))
	var listeners sync.WaitGroup
	listeners.Go(func() { h.lookout.Run(telling) })
	err = do()
	told()
	listeners.Wait()
	return err
}

// sendIssue is the way of one issue: plan, consent, line, books.
func (d *door) sendIssue(ctx context.Context, e *edition, h *house, o sendOptions) error {
	if err := d.settleFirst(ctx, e, h, o.inDoubt); err != nil {
		return err
	}
	lanes, err := h.lanes(ctx, e)
	if err != nil {
		return err
	}
	plan, err := d.plan(ctx, e, h, lanes[0].Compose)
	if err != nil {
		return err
	}
	compared, err := h.compare(ctx, e)
	if err != nil {
		return err
	}
	if len(compared.changed) > 0 && !o.accept {
		return h.refuse(ctx, e, compared)
	}
	d.printPlan(plan)
	if err := d.consent(plan, o); err != nil {
		return err
	}
	if err := d.take(ctx, e, h, o.slot); err != nil {
		return err
	}
	if plan.enqueued, err = h.freeze(ctx, e, compared); err != nil {
		return err
	}
	workers, err := h.hands(ctx)
	if err != nil {
		return err
	}
	if workers > 0 {
		return d.handOver(ctx, e, h, plan, o)
	}
	lanes, held := free(lanes, plan.holds, o.heeds)
	early, err := d.carry(ctx, e, h, lanes, plan, o)
	if err != nil || plan.open() > 0 {
		h.lookout.ended(context.WithoutCancel(ctx), h.store, e.key, err)
	}
	return d.sayEnd(ctx, e, h, append(held, early...), err)
}

// lanes builds the way out of every account of the edition.
func (h *house) lanes(ctx context.Context, e *edition) ([]*run.Lane, error) {
	if err := e.openKeys(ctx, h.store); err != nil {
		return nil, err
	}
	var lanes []*run.Lane
	for _, account := range e.accounts {
		lane, err := h.lane(ctx, e, account, postgres.Whole(account.Name))
		if err != nil {
			return nil, err
		}
		lanes = append(lanes, lane)
	}
	return lanes, nil
}

// lane builds the way out of one account for the edition, whose keys are open.
func (h *house) lane(ctx context.Context, e *edition, account config.Account, by postgres.Lane) (*run.Lane, error) {
	key, err := h.store.Key(ctx)
	if err != nil {
		return nil, err
	}
	signer, err := signerOf(ctx, account)
	if err != nil {
		return nil, err
	}
	mailing, err := e.mailing(account, key, signer)
	if err != nil {
		return nil, err
	}
	w, err := h.wayBy(ctx, account, by)
	if err != nil {
		return nil, err
	}
	lane := w.lane
	lane.Compose = mailing.Compose
	return &lane, nil
}

// heeds reports whether a hold keeps its account out of this run: one that only
// a person can end, and any when nobody is to wait.
func (o sendOptions) heeds(h ledger.Hold) bool {
	return h.Human || o.noWait && h.Holds(time.Now())
}

// free parts the lanes that may go from those whose account is held.
func free(lanes []*run.Lane, holds []ledger.Hold, heeded func(ledger.Hold) bool) (able []*run.Lane, held []run.Early) {
	for _, lane := range lanes {
		i := slices.IndexFunc(holds, func(h ledger.Hold) bool { return h.Account == lane.Account && heeded(h) })
		if i < 0 {
			able = append(able, lane)
			continue
		}
		held = append(held, run.Early{Account: lane.Account, Until: holds[i].Until, Why: holds[i].Reply, Human: holds[i].Human})
	}
	return able, held
}

// A comparison is what the issue would be made of now, against what it was made
// of when it began.
type comparison struct {
	now     ledger.Plan
	known   bool      // it began
	began   time.Time // when
	changed []change  // inputs that are not what they were
}

// same reports whether the issue began and nothing has changed.
func (c comparison) same() bool { return c.known && len(c.changed) == 0 }

// compare writes nothing: who says no to the plan has begun nothing.
func (h *house) compare(ctx context.Context, e *edition) (c comparison, err error) {
	c.now.At = time.Now()
	if c.now.Digests, err = e.digests(); err != nil {
		return c, err
	}
	issues, err := h.store.Issues(ctx)
	if err != nil {
		return c, err
	}
	i := slices.IndexFunc(issues, func(issue ledger.Issue) bool { return issue.Key == e.key && issue.Rows > 0 })
	if i < 0 {
		return c, nil
	}
	c.known, c.began, c.changed = true, issues[i].At, difference(issues[i].Digests, c.now.Digests)
	return c, nil
}

// refuse is the answer to a difference that is not accepted.
func (h *house) refuse(ctx context.Context, e *edition, c comparison) error {
	lines := []string{h.door.say("%s has changed since its first start on %s:", e.key.String(), stamp(c.began))}
	for _, change := range c.changed {
		more, err := h.describe(ctx, e, change)
		if err != nil {
			return err
		}
		lines = append(append(lines, change.String()), more...)
	}
	lines = append(lines, h.door.say("Go on with --accept-changes (who has the mail gets no second one), or start a new edition with --issue NAME."))
	return usageError{errors.New(strings.Join(lines, "\n"))}
}

// freeze writes down what the issue is made of. It reports whether the whole
// list is in the ledger already.
func (h *house) freeze(ctx context.Context, e *edition, c comparison) (bool, error) {
	if err := h.freezeFiles(ctx, e); err != nil {
		return false, err
	}
	if !c.same() {
		if err := e.keepTexts(ctx, h.store); err != nil {
			return false, err
		}
	}
	frozen, err := h.store.Plan(ctx, e.key, c.now)
	if err != nil {
		return false, err
	}
	whole := c.same() && frozen.Complete
	if !frozen.First && !c.same() {
		err = h.store.Refreeze(ctx, e.key, c.now)
	}
	return whole, errors.Join(err, e.remember(ctx, h.store))
}

// consent asks the person at the terminal, or takes the flags' word for it.
func (d *door) consent(p *plan, o sendOptions) error {
	if p.open() == 0 && o.confirm < 0 {
		return nil
	}
	if o.confirm >= 0 && o.confirm != p.recipients() {
		return d.usagef("--confirm %d: the plan has %d recipients; nothing was sent", o.confirm, p.recipients())
	}
	if o.yes || o.confirm >= 0 {
		return nil
	}
	if !d.onTerminal() {
		return d.usagef("without a terminal, say --yes or --confirm %d; nothing was sent", p.recipients())
	}
	fmt.Fprint(d.err, d.say("Send %d mails now? [y/N] ", p.open()))
	answer, err := bufio.NewReader(d.in).ReadString('\n')
	if err != nil {
		return d.usagef("no answer; nothing was sent")
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "是", "好":
		return nil
	}
	fmt.Fprintln(d.err, d.say("Nothing was sent."))
	return ending(exitWell)
}

// patience is how long a lane waits with --no-wait: through gaps and pauses,
// not through holds and days.
const patience = 10 * time.Minute

// carry sends while the list is still being written to the ledger, and keeps
// the report up to date.
func (d *door) carry(ctx context.Context, e *edition, h *house, lanes []*run.Lane, p *plan, o sendOptions) ([]run.Early, error) {
	r := &run.Run{
		Key: e.key, Ledger: d.timed(memory{h.store, h.learned, h.lookout.held}), Lanes: lanes, Retry: retry(e.conf.Retry), Stop: d.interrupted,
		List: e.camp.List, Suppressor: h.store,
	}
	if o.noWait {
		r.Patience = patience
	}
	d.gauge(h)
	show := d.progress(p.open(), p.takes)
	r.Watch = h.lookout.watch(e.key, show.watch)

	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var beside sync.WaitGroup
	var enqueued error
	beside.Go(func() {
		if p.enqueued && p.totals.Skipped == 0 {
			return
		}
		if enqueued = h.fill(work, e); enqueued != nil {
			stop(enqueued)
		}
	})
	reporting, reported := context.WithCancel(context.WithoutCancel(ctx))
	var report error
	var reporter sync.WaitGroup
	reporter.Go(func() { report = d.reporter(e, h, column(h.lookout.ids)).Run(reporting) })

	early, err := r.Do(work)
	stop(err)
	beside.Wait()
	show.done()
	reported()
	reporter.Wait()
	if enqueued != nil && !errors.Is(enqueued, context.Canceled) {
		err = errors.Join(enqueued, err)
	}
	return early, errors.Join(err, report, h.learned(context.WithoutCancel(ctx)))
}

// freezeFiles keeps what the mails are made of beside the list: data as they were
// read, and files that they link to.
func (h *house) freezeFiles(ctx context.Context, e *edition) error {
	key, err := h.store.Key(ctx)
	if err != nil {
		return err
	}
	return errors.Join(e.freezeData(ctx, h.store), e.leaveParcels(ctx, key))
}

// fill writes everybody the list names into the ledger.
func (h *house) fill(ctx context.Context, e *edition) error {
	_, err := h.store.Enqueue(ctx, e.key, e.rows(ctx))
	return err
}

// retry is the schedule as a run asks for it. The age of a mail that was put
// off n times is what the schedule made it wait.
func retry(s pace.Schedule) func(n int) (time.Duration, bool) {
	return func(n int) (time.Duration, bool) {
		var age time.Duration
		for i := range n - 1 {
			age += s.Waits[min(i, len(s.Waits)-1)]
		}
		wait := s.Next(n, rand.New(rand.NewPCG(seed(), uint64(n))))
		return wait, !s.GiveUp(age, wait)
	}
}

// A summary is the answer of send.
type summary struct {
	Campaign string            `json:"campaign"`
	Issue    string            `json:"issue"`
	Nothing  string            `json:"nothing,omitempty"` // why there is nothing to send
	Totals   map[string]int    `json:"totals,omitempty"`
	Report   string            `json:"report,omitempty"`
	Captured map[string]string `json:"captured,omitempty"`
	Early    []earlyAnswer     `json:"early,omitempty"`
}

// sayEnd gives the answer, the next step, and the exit code.
func (d *door) sayEnd(ctx context.Context, e *edition, h *house, early []run.Early, err error) error {
	ctx = context.WithoutCancel(ctx)
	totals, counted := h.store.Totals(ctx, e.key)
	if counted != nil {
		return errors.Join(err, counted)
	}
	if identity := totals.Check(); identity != nil {
		return errors.Join(err, identity)
	}
	s := summary{
		Campaign: e.key.Campaign, Issue: e.key.Issue, Totals: counts(totals),
		Report: d.reportFile(e), Captured: h.taken, Early: earlyOf(early),
	}
	if d.flags.json {
		if err := d.answer(s); err != nil {
			return err
		}
	} else {
		d.printSummary(e, totals, s)
	}
	stopped, isStopped := errors.AsType[*run.Stopped](err)
	switch {
	case isStopped:
		fmt.Fprintln(d.err, d.say("Stopped: %s", stopped.Error()))
		fmt.Fprintln(d.err, d.say("A person has to change something first. What it means: hongyan explain %s", strconv.Quote(stopped.Refusal.Reply())))
		return ending(exitEarly)
	case errors.Is(err, context.Canceled):
		d.sayLeft(e, totals)
		return err
	case err != nil:
		return err
	}
	return d.sayOpen(e, totals, early)
}

// sayLeft reports whether anybody is left, and says how to go on.
func (d *door) sayLeft(e *edition, t ledger.Totals) bool {
	left := t.Queued + t.Deferred
	if left == 0 {
		return false
	}
	fmt.Fprintln(d.err, d.say("%d are left. Go on with: hongyan send %s", left, d.again(e)))
	return true
}

// sayOpen says what is still to do, and with which command.
func (d *door) sayOpen(e *edition, t ledger.Totals, early []run.Early) error {
	for _, lane := range early {
		if lane.Human {
			fmt.Fprintln(d.err, d.say("Account %s is held until you have acted: %s", lane.Account, lane.Why))
			fmt.Fprintln(d.err, d.say("Then: hongyan account lift %s", strings.Join(append(d.sameLedger(), shellWord(lane.Account)), " ")))
			continue
		}
		fmt.Fprintln(d.err, d.say("Account %s may go on at %s (%s)", lane.Account, stamp(lane.Until), lane.Why))
	}
	if t.InDoubt > 0 {
		fmt.Fprintln(d.err, d.say("%d in doubt: the server may have them or not. Look: hongyan settle %s", t.InDoubt, d.again(e)))
	}
	if d.sayLeft(e, t) {
		return ending(exitEarly)
	}
	if t.Refused+t.Skipped+t.InDoubt > 0 {
		return ending(exitSome)
	}
	return nil
}

func (d *door) printSummary(e *edition, t ledger.Totals, s summary) {
	fmt.Fprintf(d.out, "%s\n", d.say("%s: %d recipients", e.key.String(), t.Rows))
	for _, state := range ledger.States() {
		if n := t.Of(state); n > 0 {
			fmt.Fprintf(d.out, "  %6d  %s\n", n, d.word(string(state)))
		}
	}
	fmt.Fprintln(d.out, d.say("Report: %s", s.Report))
	for _, dir := range slices.Sorted(maps.Values(s.Captured)) {
		fmt.Fprintln(d.out, d.say("Mails the sandbox took: %s", shorten(filepath.Join(dir, "*.eml"))))
	}
}

func counts(t ledger.Totals) map[string]int {
	out := map[string]int{"rows": t.Rows}
	for _, state := range ledger.States() {
		out[string(state)] = t.Of(state)
	}
	return out
}

func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

// plain is an error without the path that the caller says itself.
func plain(err error) string {
	if pathError, ok := errors.AsType[*os.PathError](err); ok {
		return pathError.Err.Error()
	}
	return err.Error()
}
