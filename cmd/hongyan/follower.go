package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"hongyan/internal/config"
	"hongyan/internal/crew/board"
	"hongyan/internal/ledger"
	"hongyan/internal/office"
	"hongyan/internal/run"
)

// A follower is somebody who follows what the workers make of an issue.
type follower struct {
	*door
	e *dispatch
	h *house
	o sendOptions

	told  map[string]bool      // sentences
	lack  string               // what was said last of workers that are not there
	away  time.Time            // since when the ledger cannot be reached; zero: it can
	alone map[string]time.Time // accounts that no worker takes and can use, and since when
}

// absence is for how long a ledger may be away before nobody waits for it.
const absence = time.Minute

// relief is for how long an account may be without a worker: one is started anew,
// and after a failure of the database all of them have yet to be heard of.
const relief = 10 * time.Second

// follow waits until the workers have nothing left to do, or can do nothing. It
// looks again after ten times what a look took, so that it costs the database a
// tenth of a processor at most.
func (f *follower) follow(ctx context.Context) ([]run.Early, error) {
	for {
		begun := time.Now()
		over, early, err := f.look(ctx)
		if err = f.bear(err); err != nil || over {
			return early, err
		}
		select {
		case <-time.After(max(300*time.Millisecond, 10*time.Since(begun))):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// bear passes over a ledger that is away for a while.
func (f *follower) bear(err error) error {
	if !errors.Is(err, ledger.ErrAway) {
		f.away = time.Time{}
		return err
	}
	if f.away.IsZero() {
		f.away = time.Now()
		f.tell(f.Say("The ledger cannot be reached; it is tried again for a minute."))
	}
	if time.Since(f.away) < absence {
		return nil
	}
	return err
}

// tell says a sentence once.
func (f *follower) tell(sentence string) {
	if f.told[sentence] {
		return
	}
	f.told[sentence] = true
	if f.onTerminal() {
		sentence = "\r" + sentence // over the count
	}
	fmt.Fprintln(f.err, sentence)
}

// look reports whether there is nothing left to wait for: no mails, or nobody who
// sends them by himself.
func (f *follower) look(ctx context.Context) (over bool, early []run.Early, err error) {
	if over, err = f.isOver(ctx); err != nil || over {
		return over, nil, err
	}
	if err := f.h.halted(ctx, f.e.Key); err != nil {
		return false, nil, err
	}
	silent, err := f.silent(ctx)
	if err != nil {
		return false, nil, err
	}
	if err := f.callRoll(ctx); err != nil {
		return false, nil, err
	}
	if over, early, err = f.stuck(ctx, silent); err != nil || over {
		return over, early, err
	}
	return false, nil, f.tellWhatIsAmiss(ctx, silent)
}

// isOver reports whether nothing of an issue is left, and shows how far it is to
// who sits there; for nobody it is not counted while mails are queued.
func (f *follower) isOver(ctx context.Context) (over bool, err error) {
	if !f.onTerminal() {
		_, more, err := f.h.store.NextDue(ctx, f.e.Key, f.e.accounts[0].Name)
		if err != nil || more {
			return false, err
		}
	}
	totals, err := f.h.store.Totals(ctx, f.e.Key)
	if err != nil {
		return false, err
	}
	left := totals.Queued + totals.Sending + totals.Deferred
	if left > 0 && f.onTerminal() {
		fmt.Fprint(f.err, "\r"+f.Count("%d of %d is done", "%d of %d are done", totals.Rows-left, totals.Rows)+" ")
	}
	return left == 0, nil
}

// A halted is the error of an issue that somebody, or what happened to it, has
// taken from the workers.
type halted struct{ office.Pause }

func (h *halted) Error() string {
	if h.By != "" {
		return "paused by " + h.By
	}
	return h.Why
}

// halted is a [halted] for an issue that the workers must leave alone.
func (h *house) halted(ctx context.Context, k ledger.Key) error {
	body, err := h.store.Paper(ctx, office.Pauses, k.String())
	if err != nil || body == nil {
		return err
	}
	var pause office.Pause
	if err := json.Unmarshal(body, &pause); err != nil {
		return err
	}
	return &halted{pause}
}

// silent are the issue's accounts that are held or have come to their limits.
func (f *follower) silent(ctx context.Context) (map[string]run.Early, error) {
	rests, err := board.RestsOf(ctx, f.h.store, boarded(f.h.conf))
	if err != nil {
		return nil, err
	}
	holds, err := f.h.store.Holds(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]run.Early{}
	for _, account := range f.e.accounts {
		if r, ok := rests.Soonest(account.Name, account.Lanes); ok {
			out[account.Name] = run.Early{Account: account.Name, Until: r.Until, Why: r.Why}
		}
		for _, hold := range holds {
			if hold.Account == account.Name && hold.Holds(time.Now()) {
				out[account.Name] = run.Early{Account: account.Name, Until: hold.Until, Why: hold.Reply, Human: hold.Human, Held: true}
			}
		}
	}
	return out, nil
}

// callRoll notes which of the issue's accounts no worker takes and can use, and says so.
func (f *follower) callRoll(ctx context.Context) error {
	hands, err := f.h.hands(ctx)
	if err != nil {
		return err
	}
	lack := ""
	var alone []string
	for _, name := range f.e.accountNames() {
		if hands.Can(f.e.Key, name) {
			delete(f.alone, name)
			continue
		}
		if f.alone[name].IsZero() {
			f.alone[name] = time.Now()
		}
		alone = append(alone, name)
		lack = f.Text(hands.Lack(f.e.Key, alone...))
	}
	if lack != "" && lack != f.lack {
		delete(f.told, lack)
		f.tell(lack)
	}
	f.lack = lack
	return nil
}

// deserted reports whether an account is not to be waited for because no worker
// takes it and can use it.
func (f *follower) deserted(account string) bool {
	since, ok := f.alone[account]
	return ok && f.o.noWait && time.Since(since) > relief
}

// stuck reports whether nothing goes on, and by what: no account has anything left
// to do that is to be waited for. One without work does not count.
func (f *follower) stuck(ctx context.Context, silent map[string]run.Early) (over bool, early []run.Early, err error) {
	var going []string
	deserted := 0
	for _, name := range f.e.accountNames() {
		if f.deserted(name) {
			deserted++
		}
		if s, ok := silent[name]; ok && f.leaves(s) {
			early = append(early, s)
		} else if !f.deserted(name) {
			going = append(going, name)
		}
	}
	more, later, err := f.awaited(ctx, going)
	early = append(early, later...)
	if err != nil || more || early == nil && deserted == 0 {
		return false, nil, err
	}
	totals, err := f.h.store.Totals(ctx, f.e.Key)
	if err != nil || totals.Sending > 0 && deserted < len(f.e.accounts) { // of the dead nobody hears
		return false, nil, err
	}
	if deserted > 0 {
		f.tell(f.Say("The mails stay in the ledger for the next worker that can send them."))
	}
	return true, early, nil
}

// awaited reports whether accounts have something left that is to be waited for; if
// not, when the rest is due. It goes by the first of them what accounts have put off
// that the issue does not use any more.
func (f *follower) awaited(ctx context.Context, going []string) (more bool, later []run.Early, err error) {
	if len(going) == 0 {
		return false, nil, nil
	}
	lost, err := f.h.lost(ctx, f.e.Key, f.e.accountNames())
	if err != nil {
		return false, nil, err
	}
	for i, name := range slices.Concat(going, lost) {
		at, more, err := f.h.store.NextDue(ctx, f.e.Key, name)
		if err != nil || more {
			return more, nil, err
		}
		if at.IsZero() {
			continue
		}
		e := run.Early{Account: going[0], Until: at, Why: run.DueAgain, Due: true}
		if i < len(going) {
			e.Account = name
		}
		if !f.leaves(e) {
			return true, nil, nil
		}
		later = append(later, e)
	}
	return false, later, nil
}

// leaves reports whether an account is not to be waited for.
func (f *follower) leaves(e run.Early) bool {
	wait := time.Until(e.Until)
	return e.Human || f.o.noWait && (e.Held || wait > patience || e.Due && wait > brief)
}

// brief are waits that nobody wonders at, as in a run.
const brief = 30 * time.Second

// tellWhatIsAmiss says why it may take long.
func (f *follower) tellWhatIsAmiss(ctx context.Context, silent map[string]run.Early) error {
	for _, account := range f.e.accounts {
		if s, ok := silent[account.Name]; ok && (s.Human || time.Until(s.Until) > brief) {
			f.tell(f.earlyLine(s))
		}
	}
	troubles, err := board.Troubles(ctx, f.h.store)
	if err != nil {
		return err
	}
	for _, t := range troubles {
		if t.Issue == f.e.Key.String() || slices.ContainsFunc(f.e.accounts, func(a config.Account) bool { return a.Name == t.Account }) {
			f.tell(f.troubleLine(t))
		}
	}
	return nil
}
