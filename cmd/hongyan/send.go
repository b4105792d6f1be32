package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/edition/fresh"
	"hongyan/internal/ledger"
	"hongyan/internal/metrics"
	"hongyan/internal/pace"
	"hongyan/internal/run"
	"hongyan/internal/schedule"
)

type sendOptions struct {
	issue    string
	open     bool          // every issue that was begun, and no other
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
		Short: d.Say("send a campaign, or go on where it stopped"),
		Long: d.Say("Shows the plan, asks, then sends one mail per recipient and writes down what became of each.\n" +
			"Run it again at any time: who has the mail already gets no second one."),
		Example: "  hongyan send campaigns/welcome.yaml\n" +
			"  hongyan send --yes --no-wait campaigns/welcome.yaml\n" +
			"  hongyan send --yes --open campaigns/welcome.yaml\n" +
			"  hongyan send --test me@qq.com campaigns/welcome.yaml",
		Args: d.exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error { return d.send(cmd.Context(), args[0], o) },
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.yes, "yes", false, d.Say("send without asking"))
	flags.IntVar(&o.confirm, "confirm", -1, d.Say("send without asking if the plan has exactly `COUNT` recipients"))
	flags.Lookup("confirm").DefValue = "0" // cobra leaves zeros out of the help
	flags.BoolVar(&o.noWait, "no-wait", false, d.Say("do not wait through long holds and limits: end with exit code 4 and say when to come back"))
	flags.BoolVar(&o.accept, "accept-changes", false, d.Say("go on although list, template or campaign have changed since the issue began"))
	flags.StringVar(&o.issue, "issue", "", d.Say("the edition of the campaign, `NAME` (default: main); each edition mails everybody once"))
	flags.BoolVar(&o.open, "open", false, d.Say("go on with every issue of the campaign that was begun and is not finished; begin none"))
	flags.StringVar(&o.inDoubt, "in-doubt", "", d.Say("settle what is in doubt before sending: `resend|sent`"))
	flags.StringSliceVar(&o.test, "test", nil, d.Say("send the first rows to this `ADDRESS` instead, subject marked, nothing recorded"))
	flags.StringVar(&o.testRows, "rows", "", d.Say("`LINES` of the list that --test sends: \"3,9-14\" (default: the first)"))
	flags.StringVar(&o.metrics, "metrics", "", d.Say("write Prometheus metrics of this run to `FILE`, for node_exporter's textfile collector"))
	return cmd
}

func (d *door) send(ctx context.Context, file string, o sendOptions) error {
	relieve()
	if o.inDoubt != "" && o.inDoubt != "resend" && o.inDoubt != "sent" {
		return d.usagef("--in-doubt: %q is neither resend nor sent", o.inDoubt)
	}
	if o.open {
		return d.sendOpen(ctx, file, o)
	}
	return d.sendOne(ctx, file, o)
}

func (d *door) sendOne(ctx context.Context, file string, o sendOptions) error {
	from := fresh.ToSend
	if len(o.test) > 0 {
		from = fresh.ToTest
	}
	e, err := d.open(ctx, file, o.issue, from)
	if err != nil {
		return err
	}
	defer e.Close()
	relieve()
	test := len(o.test) > 0
	if why := e.Fresh.Nothing(); why != nil && !(test && e.Fresh.Shows()) {
		return d.sayNothing(e, why)
	}
	if test {
		d.sayOld(e)
		return d.sendTest(ctx, e, o)
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
func (d *door) sendIssue(ctx context.Context, e *dispatch, h *house, o sendOptions) error {
	lanes, err := h.lanes(ctx, e)
	if err != nil {
		return err
	}
	plan, err := d.plan(ctx, e, h, lanes[0].Compose)
	if err != nil {
		return err
	}
	if err := h.foresee(ctx, plan, o.inDoubt); err != nil {
		return err
	}
	compared, err := h.compare(ctx, e)
	if err != nil {
		return err
	}
	if len(compared.changed) > 0 && !o.accept {
		return h.refuse(ctx, e, compared)
	}
	if len(compared.changed) > 0 {
		if plan.departed, err = h.departed(ctx, e, o.inDoubt); err != nil {
			return err
		}
	}
	d.printPlan(plan)
	if err := d.consent(plan, o); err != nil {
		return err
	}
	if err := d.settleFirst(ctx, e, h, o.inDoubt); err != nil {
		return err
	}
	if err := d.take(ctx, e, h, o.slot); err != nil {
		return err
	}
	if plan.enqueued, err = h.freeze(ctx, e, compared); err != nil {
		return err
	}
	hands, err := h.hands(ctx)
	if err != nil {
		return err
	}
	if hands.Can(e.Key, e.accountNames()...) {
		return d.handOver(ctx, e, h, plan, o)
	}
	lanes, held := free(lanes, plan.holds, o.heeds)
	early, err := d.carry(ctx, e, h, lanes, plan, o)
	if err != nil || plan.open() > 0 {
		h.lookout.ended(context.WithoutCancel(ctx), h.store, e.Key, err)
	}
	return d.sayEnd(ctx, e, h, append(held, early...), err)
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

// consent asks the person at the terminal, or takes the flags' word for it. Once
// it is given mails may leave.
func (d *door) consent(p *plan, o sendOptions) error {
	defer d.depart()
	if p.open() == 0 && o.confirm < 0 {
		return nil
	}
	if o.confirm >= 0 && o.confirm != p.recipients() {
		return d.usagef("--confirm %d: the plan has %s; nothing was sent", o.confirm, d.Count("%d recipient", "%d recipients", p.recipients()))
	}
	if o.yes || o.confirm >= 0 {
		return nil
	}
	if !d.onTerminal() {
		return d.usagef("without a terminal, say --yes or --confirm %d; nothing was sent", p.recipients())
	}
	fmt.Fprint(d.err, d.Count("Send %d mail now? [y/N] ", "Send %d mails now? [y/N] ", p.open()))
	answer, err := d.typed(func() (string, error) { return bufio.NewReader(d.in).ReadString('\n') })
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		return d.usagef("no answer; nothing was sent")
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes", "是", "好":
		return nil
	}
	fmt.Fprintln(d.err, d.Say("Nothing was sent."))
	return ending(exitWell)
}

// patience is how long a lane waits with --no-wait: through gaps and pauses,
// not through holds and days.
const patience = 10 * time.Minute

// carry sends while the list is still being written to the ledger, and keeps
// the report up to date.
func (d *door) carry(ctx context.Context, e *dispatch, h *house, lanes []*run.Lane, p *plan, o sendOptions) ([]run.Early, error) {
	r := &run.Run{
		Key: e.Key, Ledger: d.timed(memory{h.store, h.learned, h.lookout.held}), Lanes: lanes, Retry: retry(e.conf.Retry), Stop: d.interrupted,
		List: e.Campaign.List, Suppressor: h.store,
	}
	if o.noWait {
		r.Patience = patience
	}
	d.gauge(h)
	show := d.progress(p.open(), p.takes)
	r.Watch = h.lookout.watch(e.Key, show.watch)

	relieve()
	work, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var enqueued error
	listed := make(chan struct{})
	go func() {
		defer close(listed)
		if p.enqueued && p.totals.Skipped == 0 {
			return
		}
		if enqueued = h.fill(work, e); enqueued != nil {
			stop(enqueued)
		}
	}()
	reporting, reported := context.WithCancel(context.WithoutCancel(ctx))
	var report error
	var reporter sync.WaitGroup
	reporter.Go(func() { report = unwritten(d.reporter(e, h, column(h.lookout.ids)).Run(reporting)) })

	early, err := r.Do(work)
	if _, stopped := errors.AsType[*run.Stopped](err); err == nil || stopped || errors.Is(err, ledger.ErrElsewhere) {
		// Lanes may end long before the list does: whoever is left is to be told.
		select {
		case <-listed:
		case <-d.interrupted:
			err = cmp.Or(err, context.Canceled)
		}
	}
	stop(err)
	<-listed
	show.done()
	reported()
	reporter.Wait()
	if enqueued != nil && !errors.Is(enqueued, context.Canceled) {
		err = errors.Join(enqueued, err)
	}
	if errors.Is(err, ledger.ErrBroken) { // which would only be said again
		return early, errors.Join(err, report)
	}
	return early, errors.Join(err, report, h.learned(context.WithoutCancel(ctx)))
}

// fill writes everybody the list names into the ledger.
func (h *house) fill(ctx context.Context, e *dispatch) error {
	_, err := h.store.Enqueue(ctx, e.Key, e.Rows(ctx))
	return err
}

// retry is the schedule as a run asks for it.
func retry(s pace.Schedule) func(n int) (time.Duration, bool) {
	return func(n int) (time.Duration, bool) {
		wait := s.Next(n, rand.New(rand.NewPCG(seed(), uint64(n))))
		return wait, !s.GiveUp(s.Age(n), wait)
	}
}

// plain is an error without the path that the caller says itself.
func plain(err error) string {
	if pathError, ok := errors.AsType[*os.PathError](err); ok {
		return pathError.Err.Error()
	}
	return err.Error()
}
