package office

import (
	"context"
	"slices"
	"sync"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/run"
)

// A job is an issue on the floor. Its fields below the issue are guarded by the
// office's mutex, but for the channels, which are only closed.
type job struct {
	Issue
	ways     []*way
	filling  bool
	closed   bool   // no slice may begin: it has yet to come, or is about to leave
	pause    *Pause // not nil: it was halted
	finished bool   // nothing is left
	trouble  error  // of what ran beside it, once it was finished
	slices   sync.WaitGroup

	over chan struct{} // closed when it is halted or finished
	gone chan struct{} // closed when nothing of it is at work any more
}

// A way is a job's work for one account.
type way struct {
	*Lane
	done bool      // nothing is left for it
	due  time.Time // nothing is to be done before

	streaks run.Streaks // its slices'
}

func newJob(issue Issue) *job {
	j := &job{Issue: issue, filling: issue.Fill != nil, closed: true, over: make(chan struct{}), gone: make(chan struct{})}
	for _, lane := range issue.Lanes {
		j.ways = append(j.ways, &way{Lane: lane})
	}
	return j
}

// again has every way looked at once more.
func (j *job) again() {
	for _, w := range j.ways {
		w.done, w.due = false, time.Time{}
	}
}

// open is the job's way over an account if something may be left for it.
func (j *job) open(account string) *way {
	for _, w := range j.ways {
		if w.Account == account && !w.done && !j.closed {
			return w
		}
	}
	return nil
}

func (o *Office) job(key ledger.Key) *job {
	o.mu.Lock()
	defer o.mu.Unlock()
	if i := slices.IndexFunc(o.jobs, func(j *job) bool { return j.Key == key }); i >= 0 {
		return o.jobs[i]
	}
	return nil
}

func (o *Office) halted(j *job) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return j.pause != nil || j.finished
}

// place puts the job on the floor unless there is one of its key.
func (o *Office) place(j *job) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if slices.ContainsFunc(o.jobs, func(k *job) bool { return k.Key == j.Key }) {
		return false
	}
	o.jobs = append(o.jobs, j)
	return true
}

func (o *Office) remove(j *job) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.jobs = slices.DeleteFunc(o.jobs, func(k *job) bool { return k == j })
	close(j.gone)
}

// halt ends a job before its end, once.
func (o *Office) halt(j *job, p Pause) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if j.pause == nil && !j.finished {
		j.pause, j.closed = &p, true
		close(j.over)
	}
}

// settle notes what a slice or the list has left of the job.
func (o *Office) settle(j *job, note func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	note()
	left := j.filling || slices.ContainsFunc(j.ways, func(w *way) bool { return !w.done })
	if !left && j.pause == nil && !j.finished {
		j.finished, j.closed = true, true
		close(j.over)
	}
}

// ring wakes the pumps that the job needs.
func (o *Office) ring(j *job) {
	for _, w := range j.ways {
		o.pumps[w.Account].wake()
	}
}

// keep is the life of a job: the list beside the lanes, then the end.
func (o *Office) keep(l life, j *job) {
	o.tell(Started{j.Key})
	o.shift(j, false)
	floor, leave := context.WithCancel(l.hard)
	defer leave()
	var beside sync.WaitGroup
	if j.Beside != nil {
		beside.Go(func() { o.attend(l, j, j.Beside(floor)) })
	}
	o.fill(l, j)
	select {
	case <-j.over:
	case <-l.soft.Done():
		o.shift(j, true)
	}
	j.slices.Wait()
	leave()
	beside.Wait()
	if j.Gone != nil {
		j.Gone()
	}
	o.remove(j)
	o.tellEnd(l, j)
}

// shift opens or closes the job to slices.
func (o *Office) shift(j *job, closed bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	j.closed = closed || j.pause != nil
	o.ring(j)
}

// fill enqueues the list until its end or the job's.
func (o *Office) fill(l life, j *job) {
	if j.Fill == nil {
		return
	}
	filling, enough := context.WithCancel(l.soft)
	defer enough()
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-j.over:
			enough()
		case <-filling.Done():
		}
	})
	err := j.Fill(filling)
	if filling.Err() == nil {
		o.attend(l, j, err)
		o.settle(j, func() { j.filling = false; j.again(); o.ring(j) })
	}
	enough()
	watch.Wait()
}

// attend halts the job by the breakdown of what runs beside it; one that is
// finished is only told of.
func (o *Office) attend(l life, j *job, err error) {
	if err == nil || l.hard.Err() != nil {
		return
	}
	o.mu.Lock()
	finished := j.finished
	if finished {
		j.trouble = err
	}
	o.mu.Unlock()
	if finished {
		return
	}
	o.stop(l, j, Pause{At: time.Now(), Why: err.Error(), Stopped: true})
}

// stop halts a job durably, because of what went wrong.
func (o *Office) stop(l life, j *job, p Pause) {
	if err := o.shelve(context.WithoutCancel(l.hard), j.Key, p); err != nil {
		l.end(err)
		return
	}
	o.halt(j, p)
}

func (o *Office) tellEnd(l life, j *job) {
	switch {
	case j.pause != nil:
		o.tell(Halted{j.Key, *j.pause})
	case j.finished:
		totals, err := o.Books.Totals(context.WithoutCancel(l.hard), j.Key)
		if err != nil {
			l.end(err)
			return
		}
		o.tell(Ended{j.Key, totals, j.trouble})
	}
}
