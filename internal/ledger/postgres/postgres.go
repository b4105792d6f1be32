// Package postgres keeps the ledger in a PostgreSQL database, for many
// processes at once. It owns the tables, the group commit, and the leases that
// give each account to one process at a time.
//
// Everything that one process may do to an account is guarded by the lease's
// epoch in the same statement that does it, so that a process that was frozen
// and wakes up finds its writes refused. Time in those guards is the database's.
//
// It must never know what a state means: the state machine is package
// ledger's, and the statements here only ask it.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"hongyan/internal/ledger"
)

// Options say who opens a store, and how.
type Options struct {
	Name  string        // of the process, for people
	Works bool          // it takes whatever is due; else it came for one errand
	Takes []string      // the accounts that it would take; nil: any
	Lease time.Duration // for how long an account stays with a process that is silent; default 6 s
}

// A Store is a ledger that is being written. See [ledger.Store].
type Store struct {
	*Reader
	me    string // worker.id
	lease time.Duration

	wake      chan struct{} // of one: somebody has handed something in
	committer sync.WaitGroup
	enquiries chan enquiry
	enquirer  sync.WaitGroup
	slate     slate
	stop      context.CancelFunc // of the renewer
	renewer   sync.WaitGroup
	hurry     <-chan struct{} // closed when the program is to end: a database that is away is not waited for much longer
	closed    chan struct{}
	closing   sync.Once

	taking   sync.Mutex // of whoever takes an account that was never taken
	mu       sync.Mutex // guards the fields below
	waiting  []*waiter
	flying   map[int64]bool  // entries whose intent is durable and whose outcome has not come
	gone     bool            // the committer: nothing is handed in any more
	accounts map[Lane]int64  // their numbers
	leases   map[Lane]*lease // what was lost stays, so that it is known
	past     []int64         // epochs that were lost: their results are still told
	desks    map[int64]map[int64]offer
	touched  map[int64]int64      // by issue, as written
	issues   map[ledger.Key]int64 // their numbers
}

// Open opens the ledger that url names, makes its tables if they are missing,
// and joins the processes that work on it. When ctx ends, results that cannot be
// written because the database is away are given up after a few seconds; their
// entries become doubts.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	me := rand.Text()[:12]
	pool, err := connect(ctx, url, "hongyan "+me)
	if err != nil {
		return nil, err
	}
	s := &Store{
		Reader: &Reader{pool}, me: me, lease: o.Lease, hurry: ctx.Done(), wake: make(chan struct{}, 1), enquiries: make(chan enquiry),
		closed: make(chan struct{}), accounts: map[Lane]int64{}, leases: map[Lane]*lease{},
		desks: map[int64]map[int64]offer{}, flying: map[int64]bool{}, touched: map[int64]int64{}, issues: map[ledger.Key]int64{},
	}
	if s.lease == 0 {
		s.lease = 6 * time.Second
	}
	if err := s.begin(ctx, o); err != nil {
		pool.Close()
		return nil, fmt.Errorf("ledger %s: %w", Name(url), err)
	}
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.renewer.Go(func() { s.renew(renewing) })
	s.committer.Go(s.commits)
	s.enquirer.Go(s.enquire)
	return s, nil
}

// begin makes the tables and the ledger's key at its birth, and signs in.
func (s *Store) begin(ctx context.Context, o Options) error {
	if err := migrate(ctx, s.pool); err != nil {
		return err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	if _, err := s.pool.Exec(ctx, `INSERT INTO install (key) VALUES ($1) ON CONFLICT DO NOTHING`, key); err != nil {
		return err
	}
	_, err := s.pool.Exec(ctx, `INSERT INTO worker (id, name, works, takes, until) VALUES ($1, $2, $3, $4, clock_timestamp() + $5::interval)`,
		s.me, text(o.Name), o.Works, o.Takes, s.lease)
	return err
}

// connect opens a pool of connections; the first one is made now, so that a
// database that is not there is told at once.
func connect(ctx context.Context, address, as string) (*pgxpool.Pool, error) {
	conf, err := pgxpool.ParseConfig(address)
	if err != nil { // it repeats the URL, which has the password
		return nil, fmt.Errorf("%s is not the URL of a database; its form is postgres://USER@HOST/DATABASE", Name(address))
	}
	conf.MaxConns = int32(max(8, 2*runtime.GOMAXPROCS(0)))
	conf.ConnConfig.ConnectTimeout = 5 * time.Second
	// Without it a commit may be forgotten by a crash of the server, and an
	// intent whose mail has left with it.
	// A frozen process must not keep what it has locked from its successors.
	// What is asked for lies behind indexes, whatever a server thinks that has
	// not counted yet how much came in the last minute, and it is always the same.
	// For the same reason entries are joined by d.id = ANY(ARRAY[l.id]): by a plain
	// equality a table that was small when it was counted is read whole, until the
	// next count, or a group's rows are compared each with each.
	maps.Copy(conf.ConnConfig.RuntimeParams, map[string]string{
		"application_name": as,

		"synchronous_commit": "on",

		"idle_in_transaction_session_timeout": "5s",

		"enable_seqscan": "off", "enable_bitmapscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
		"plan_cache_mode": "force_generic_plan", "jit": "off",
	})
	pool, err := pgxpool.NewWithConfig(ctx, conf)
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", Name(address), plain(err))
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("ledger %s: %w", Name(address), plain(err))
	}
	return pool, nil
}

// plain leaves out what a failed connection says about how it was made: of all
// that only the reason is news, once, however often it was tried.
func plain(err error) error {
	refused, ok := errors.AsType[*pgconn.ConnectError](err)
	if !ok || refused.Unwrap() == nil {
		return err
	}
	tries, ok := refused.Unwrap().(interface{ Unwrap() []error })
	if !ok {
		return refused.Unwrap()
	}
	return errors.Join(slices.CompactFunc(slices.Clone(tries.Unwrap()), func(a, b error) bool { return a.Error() == b.Error() })...)
}

// Pool are the connections of the store, for whoever keeps tables beside its own.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// Is reports whether a state is named by the URL of a PostgreSQL database.
func Is(state string) bool {
	return strings.HasPrefix(state, "postgres://") || strings.HasPrefix(state, "postgresql://")
}

// Name is a database's URL as it may be shown: without password and settings.
func Name(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "postgres://…"
	}
	u.RawQuery, u.Fragment = "", ""
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	return u.String()
}

// Migrate brings a database to the shape that this program knows.
func Migrate(ctx context.Context, url string) error {
	pool, err := connect(ctx, url, "hongyan migrate")
	if err != nil {
		return err
	}
	defer pool.Close()
	return wrap("ledger "+Name(url), migrate(ctx, pool))
}

// Close hands every account back, waits for the write under way, and leaves.
func (s *Store) Close() error {
	var err error
	s.closing.Do(func() {
		close(s.closed)
		s.committer.Wait()
		s.enquirer.Wait()
		s.stop()
		s.renewer.Wait()
		err = s.leave()
		s.pool.Close()
	})
	return wrap("close the ledger", err)
}

// leave is given little time: what it does not come to, whoever takes the
// accounts over does.
func (s *Store) leave() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, lane := range s.mine() {
		if err := s.handBack(ctx, lane); err != nil {
			return err
		}
	}
	_, err := s.pool.Exec(ctx, `DELETE FROM worker WHERE id = $1`, s.me)
	return err
}

// An offer is an entry that a lane of this process has in hand.
type offer struct {
	epoch  int64
	queued bool // else it was deferred
}

// desk returns the entries of an issue that are being worked on. Those that were
// deferred are offered to their own account only, which this process has: so it
// need not be written down. The caller has the mutex.
func (s *Store) desk(issue int64) map[int64]offer {
	d := s.desks[issue]
	if d == nil {
		d = map[int64]offer{}
		s.desks[issue] = d
	}
	return d
}

var errClosed = fmt.Errorf("%w: it is closed", ledger.ErrBroken)
