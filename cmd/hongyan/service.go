package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hongyan/internal/campaign/watch"
	"hongyan/internal/edition/change"
	"hongyan/internal/edition/fresh"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/office"
	"hongyan/internal/run"
)

// A service is hongyan serve at work: the floor over one ledger, and the
// campaigns of a folder.
type service struct {
	*house
	folder *watch.Folder
	news   chan struct{} // cap 1: the folder has changed
	strays strays
	office *office.Office // where what is paused is known, and the work of an ownFloor
	floor  floor
	ready  atomic.Bool

	starts sync.Mutex // one issue is made ready at a time
}

func (h *house) service(dir string) *service {
	s := &service{house: h, folder: watch.New(dir), news: make(chan struct{}, 1), strays: strays{back: make(chan struct{}, 1)}}
	s.office = &office.Office{
		Books: books{h.door.timed(memory{h.store, h.learned, h.lookout.held}), h.store}, Shelf: h.store,
		Retry: retry(h.conf.Retry), Stop: h.door.interrupted, Tell: s.tell,
	}
	s.floor = ownFloor{s}
	if shared, ok := h.store.(*postgres.Store); ok {
		s.floor = crewFloor{s, shared}
	}
	h.lookout.planned = s.scheduled
	return s
}

// books are the ledger as the office reads it, with its line as runs write it.
type books struct {
	run.Line
	overall
}

// overall is what the office reads of the whole ledger.
type overall interface {
	run.Suppressor
	Holds(ctx context.Context) ([]ledger.Hold, error)
	Totals(ctx context.Context, k ledger.Key) (ledger.Totals, error)
}

// find returns the campaign of a name; false if no file of the folder is one.
func (s *service) find(name string) (watch.Entry, bool) {
	entries := s.folder.Entries()
	i := slices.IndexFunc(entries, func(f watch.Entry) bool { return f.Good != nil && f.Good.Name == name })
	if i < 0 {
		return watch.Entry{}, false
	}
	return entries[i], true
}

// watch takes up what changes in the folder.
func (s *service) watch(ctx context.Context) error {
	s.tellFaults()
	return s.folder.Run(ctx, func() {
		s.tellFaults()
		nudge(s.news)
		nudge(s.strays.back)
	})
}

// tellFaults says to the operator's log which files are not in force as they are.
func (s *service) tellFaults() {
	for _, f := range s.folder.Entries() {
		for _, one := range f.Faults.Sorted() {
			s.door.log.Warn("campaign at fault", slog.String("file", f.File), slog.Int("line", one.Line), slog.String("what", s.door.Text(one.What)))
		}
	}
}

// work is the life of the service: what it carries, what it watches, what it is
// asked. The first that breaks down ends it all; an interrupt ends it well.
func (s *service) work(ctx context.Context, parts ...func(context.Context) error) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	beside, over := context.WithCancel(ctx)
	defer over()
	var staff sync.WaitGroup
	for _, part := range parts {
		staff.Go(func() {
			if err := part(beside); err != nil && beside.Err() == nil {
				end(err)
			}
		})
	}
	err := s.floor.Run(ctx)
	s.ready.Store(false)
	over()
	staff.Wait()
	return err
}

// begin puts an issue of a campaign on the floor. What has changed since it began
// is refused, unless a person accepts it.
func (s *service) begin(ctx context.Context, f watch.Entry, issue string, accept bool) error {
	s.starts.Lock()
	defer s.starts.Unlock()
	on, err := s.floor.has(ctx, ledger.Key{Campaign: f.Good.Name, Issue: issue})
	if err != nil {
		return err
	}
	if on {
		return office.ErrOnFloor
	}
	e, err := s.door.openWritten(ctx, f.File, f.Source, issue, fresh.ToSend)
	if err != nil {
		return err
	}
	if err := s.put(ctx, e, accept); err != nil {
		e.Close()
		return err
	}
	return nil
}

// put hands an edition to the floor, which closes it.
func (s *service) put(ctx context.Context, e *dispatch, accept bool) error {
	if why := e.Fresh.Nothing(); why != nil {
		return why
	}
	compared, err := s.compare(ctx, e)
	if err != nil {
		return err
	}
	if len(compared.changed) > 0 && !accept {
		return &changed{e.Key, named(compared.changed)}
	}
	return s.floor.carry(ctx, e, compared)
}

// A changed issue is not what it was when it began.
type changed struct {
	key  ledger.Key
	what []string
}

// named are the inputs of changes, each with what became of it.
func named(changes []change.Change) (out []string) {
	for _, c := range changes {
		out = append(out, c.String())
	}
	return out
}

// changedBy are the inputs that an issue cannot go on with.
func changedBy(err error) []string {
	if c, ok := errors.AsType[*changed](err); ok {
		return c.what
	}
	return nil
}

func (c *changed) Error() string { return c.text().String() }

func (c *changed) text() fault.Text {
	return fault.Textf("%s has changed since it began: %s", c.key.String(), strings.Join(c.what, ", "))
}

// nudge tells whoever looks at a channel of one place to look again.
func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// resume puts the issues on the floor that were on their way when the process
// ended, and not paused.
func (s *service) resume(ctx context.Context) error {
	issues, err := s.store.Issues(ctx)
	if err != nil {
		return err
	}
	if err := s.setApart(ctx, issues); err != nil {
		return err
	}
	return s.goOn(ctx, issues, unfinished)
}

// goOn puts those issues on the floor that are to go on, unless they are paused or
// carried already, or their campaign is not there.
func (s *service) goOn(ctx context.Context, issues []ledger.Issue, wanted func(ledger.Issue) bool) error {
	paused, err := s.office.Paused(ctx)
	if err != nil {
		return err
	}
	for _, issue := range issues {
		f, ok := s.find(issue.Campaign)
		if _, waits := paused[issue.Key]; waits || !ok || !wanted(issue) {
			continue
		}
		if err := s.putBack(ctx, f, issue.Issue); err != nil {
			return err
		}
	}
	return nil
}

// putBack begins an issue that was begun before.
func (s *service) putBack(ctx context.Context, f watch.Entry, issue string) error {
	err := s.begin(ctx, f, issue, false)
	if err == nil || errors.Is(err, office.ErrOnFloor) {
		return nil
	}
	return s.setAside(ctx, ledger.Key{Campaign: f.Good.Name, Issue: issue}, err)
}

func unfinished(i ledger.Issue) bool { return !i.Complete || i.Queued+i.Sending+i.Deferred > 0 }

// setAside stops an issue that cannot be put on the floor; whatever is wrong with
// its files must not keep the others waiting.
func (s *service) setAside(ctx context.Context, key ledger.Key, why error) error {
	if ctx.Err() != nil || errors.Is(why, office.ErrShut) {
		return context.Cause(ctx)
	}
	if errors.Is(why, ledger.ErrBroken) || s.door.shared(s.conf) && !lasting(why) {
		return why
	}
	return s.office.Halt(ctx, key, office.Pause{At: time.Now(), Why: s.door.because(why), Stopped: true, Changed: changedBy(why)})
}

// because is an error in a line, for people.
func (d *door) because(err error) string {
	if faults := fault.In(err); len(faults) > 0 {
		first := faults.Sorted()[0]
		return d.place(first) + d.Text(first.What)
	}
	if c, ok := errors.AsType[*changed](err); ok {
		return d.Text(c.text())
	}
	return err.Error()
}

// tell says what happens in the office to the operator's log.
func (s *service) tell(e office.Event) {
	log := s.door.log
	switch e := e.(type) {
	case office.Started:
		log.Info("issue started", slog.String("campaign", e.Key.Campaign), slog.String("issue", e.Key.Issue))
	case office.Ended:
		log.Info("issue ended", slog.String("campaign", e.Key.Campaign), slog.String("issue", e.Key.Issue),
			slog.Int("sent", e.Totals.Sent), slog.Int("refused", e.Totals.Refused), slog.Int("in_doubt", e.Totals.InDoubt))
		s.lookout.ended(context.Background(), s.store, e.Key, nil)
		if e.Err != nil {
			log.Error("the issue's report", slog.String("campaign", e.Key.Campaign), slog.String("issue", e.Key.Issue), slog.Any("error", e.Err))
		}
	case office.Halted:
		level := slog.LevelInfo
		if e.Pause.Stopped {
			level = slog.LevelError
			s.lookout.ended(context.Background(), s.store, e.Key, errors.New(e.Pause.Why))
		}
		log.Log(context.Background(), level, "issue halted", slog.String("campaign", e.Key.Campaign), slog.String("issue", e.Key.Issue),
			slog.String("by", e.Pause.By), slog.String("why", e.Pause.Why))
	case office.Held:
		log.Warn("account held", slog.String("account", e.Hold.Account), slog.String("reply", e.Hold.Reply))
	case office.Freed:
		log.Info("account free again", slog.String("account", e.Account))
	}
}

// coming is the name of the issue that a start begins when none is named.
func coming(f watch.Entry, now time.Time) string {
	if f.Good.Schedule != nil {
		return f.Good.Schedule.Minute(now).Name
	}
	return cmp.Or(f.Good.Issue, "main")
}
