// Package crew has many processes share the work on one PostgreSQL database.
// River (riverqueue.com) holds the jobs: a pump job per account that has
// something to do, unique by account and epoch, and a look job when somebody has
// brought work.
//
// A job is a wake-up and nothing more: lost, late or twice it can delay a mail,
// never double it, since who may use an account is for the ledger's lease to
// say. Each process looks for due accounts by itself, and does not wait for
// River's leader: a worker that died is replaced when its lease is over.
//
// It must never know what a pump does.
package crew

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// A Due is an account, or a lane of one, that nobody has and that has something
// to do.
type Due struct {
	Account  string
	Lane, Of int   // the whole account is lane 0 of 1
	Epoch    int64 // of its last lease: a dead worker's job is of an older one and blocks nobody
}

// A Floor is where the work is.
type Floor interface {
	// Due lists what this process would take.
	Due(ctx context.Context) ([]Due, error)
	// Pump works over an account for at most about a minute, ending early after
	// the mails in flight when the process is to end. It is called for whatever
	// account a job names, also if somebody has it by now.
	Pump(ctx context.Context, d Due) error
}

// A Crew is this process among those that share the work.
type Crew struct {
	Pool  *pgxpool.Pool
	Floor Floor
	Lanes int // accounts at once
	Log   *slog.Logger
	// Stop, when closed, ends Run after the mails in flight.
	Stop <-chan struct{}

	every time.Duration // it looks by itself; 0: a tick
}

// The times of River. A job has no heartbeat there, so a slice is short, and
// what became of a dead worker's job is tidied up later.
const (
	tick      = 2 * time.Second
	timeout   = 90 * time.Second
	rescue    = 150 * time.Second
	retention = time.Hour
)

// A pump is a job's arguments.
type pump struct {
	Account string `json:"account"`
	Lane    int    `json:"lane"`
	Of      int    `json:"of"`
	Epoch   int64  `json:"epoch"`
}

// Kind names the job.
func (pump) Kind() string { return "pump" }

// patience is for how long a job may be unique: a worker may die, or lose the
// database, between its job and its lease, and then the epoch stays what it was.
const patience = 10 * time.Second

// InsertOpts makes it unique while it waits or runs.
func (pump) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByArgs: true, ByPeriod: patience, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
		rivertype.JobStateRetryable, rivertype.JobStateScheduled,
	}}}
}

type pumper struct {
	river.WorkerDefaults[pump]
	floor Floor
	again func()
}

// Work is one slice. River's own end of the job does not cut into it: a mail in
// flight is worth waiting for.
func (p pumper) Work(ctx context.Context, job *river.Job[pump]) error {
	err := p.floor.Pump(context.WithoutCancel(ctx), Due(job.Args))
	if err == nil { // what went wrong is not better at once
		p.again()
	}
	return err
}

// Run works until Stop is closed or ctx has ended.
func (c *Crew) Run(ctx context.Context) error {
	if err := c.prepare(ctx); err != nil {
		return err
	}
	bell := make(chan struct{}, 1)
	ring := func() {
		select {
		case bell <- struct{}{}:
		default:
		}
	}
	workers := river.NewWorkers()
	river.AddWorker(workers, pumper{floor: c.Floor, again: ring})
	river.AddWorker(workers, river.WorkFunc(func(context.Context, *river.Job[look]) error { ring(); return nil }))
	client, err := river.NewClient(riverpgxv5.New(c.Pool), &river.Config{
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: c.Lanes}}, Workers: workers, Logger: c.Log,
		FetchPollInterval: c.rhythm(), JobTimeout: timeout, RescueStuckJobsAfter: rescue,
		CompletedJobRetentionPeriod: retention, DiscardedJobRetentionPeriod: retention, CancelledJobRetentionPeriod: retention,
	})
	if err != nil {
		return err
	}
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	var looking sync.WaitGroup
	looking.Go(func() { c.look(ctx, client, bell) })
	select {
	case <-c.Stop:
	case <-ctx.Done():
	}
	err = client.Stop(context.WithoutCancel(ctx)) // waits for the slices
	looking.Wait()
	return err
}

func (c *Crew) rhythm() time.Duration { return cmp.Or(c.every, tick) }

// look has accounts pumped as they come due. A database that is away is asked
// again at the next tick.
func (c *Crew) look(ctx context.Context, client *river.Client[pgx.Tx], bell <-chan struct{}) {
	ticker := time.NewTicker(c.rhythm())
	defer ticker.Stop()
	for {
		if err := c.insert(ctx, client); err != nil && ctx.Err() == nil {
			c.Log.Warn("cannot look for due accounts", "err", err)
		}
		select {
		case <-ticker.C:
		case <-bell:
		case <-c.Stop:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (c *Crew) insert(ctx context.Context, client *river.Client[pgx.Tx]) error {
	ctx, cancel := context.WithTimeout(ctx, 5*tick)
	defer cancel()
	due, err := c.Floor.Due(ctx)
	if err != nil || len(due) == 0 {
		return err
	}
	jobs := make([]river.InsertManyParams, len(due))
	for i, d := range due {
		jobs[i].Args = pump(d)
	}
	_, err = client.InsertMany(ctx, jobs)
	return err
}

// prepare makes River's tables. Of many processes that start at once one does
// it while the others wait.
func (c *Crew) prepare(ctx context.Context) error {
	conn, err := c.Pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	const lock = `hashtext('hongyan river'), hashtext(current_schema())`
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock(`+lock+`)`); err != nil {
		return err
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(c.Pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err == nil {
		_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	}
	_, unlocked := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock(`+lock+`)`)
	return errors.Join(err, unlocked)
}
