package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/sqlite"
)

// An onlooker reads the ledger beside whoever is writing it.
type onlooker interface {
	ledger.Reader
	ledger.Papers
	keyed
	History(ctx context.Context, account string, since time.Time) ([]time.Time, error)
	Holds(ctx context.Context) ([]ledger.Hold, error)
	Learned(ctx context.Context, account string) ([]byte, error)
	Suppressions(ctx context.Context, f ledger.SuppressionFilter) iter.Seq2[ledger.Suppression, error]
	Verify(ctx context.Context) iter.Seq2[ledger.Finding, error]
	Close() error
}

// A clerk works beside whoever has the line: it writes suppressions, acts and
// papers, and cannot send.
type clerk interface {
	ledger.Suppressor
	ledger.Journal
	ledger.Shelf
	Close() error
}

// state is where the ledger is.
func (d *door) state(conf *config.Config) config.Place {
	if d.flags.state != "" {
		return config.Place(d.flags.state)
	}
	return conf.State
}

// shared reports whether the ledger is one that many processes work on.
func (d *door) shared(conf *config.Config) bool { return d.state(conf).Database() }

// stateFolder is where things lie that are this machine's own: the state itself
// when it is a folder, else the one that it would be by default.
func (d *door) stateFolder(conf *config.Config) string {
	if state := d.state(conf); !state.Database() {
		return string(state)
	}
	return filepath.Join(conf.Dir, "state")
}

// openStore opens the ledger for writing. A folder has one writer at a time; a
// database has as many as like.
func (d *door) openStore(ctx context.Context, conf *config.Config) (ledger.Store, error) {
	if d.shared(conf) {
		return d.openShared(ctx, conf, postgres.Options{})
	}
	store, err := sqlite.Open(ctx, d.stateFolder(conf))
	if held, ok := errors.AsType[*sqlite.Held](err); ok {
		return nil, d.taken(held)
	}
	if err != nil {
		return nil, err
	}
	return store, nil
}

// taken says who has the ledger and what to do.
func (d *door) taken(h *sqlite.Held) error {
	next := d.Say("wait for its end, or stop it")
	if h.At != "" {
		next = d.Say("do it on its dashboard, %s, or stop it first", h.At)
	}
	if h.PID == 0 {
		return errors.New(d.Say("another process has the ledger (%s): %s", h.Path, next))
	}
	return errors.New(d.Say("process %d has the ledger since %s: %s", h.PID, stamp(h.Since), next))
}

func (d *door) openShared(ctx context.Context, conf *config.Config, o postgres.Options) (*postgres.Store, error) {
	if err := d.known(d.state(conf)); err != nil {
		return nil, err
	}
	o.Name = workerName()
	return postgres.Open(ctx, string(d.state(conf)), o)
}

// workerName is what a process is called among those that work on a database.
func workerName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}

// known refuses databases that hongyan keeps no ledger in.
func (d *door) known(state config.Place) error {
	if postgres.Is(string(state)) {
		return nil
	}
	return d.usagef("state %s: a ledger is kept in a folder, or in a database postgres://…", state.String())
}

// openReader opens the ledger beside whoever is writing it.
func (d *door) openReader(ctx context.Context, conf *config.Config) (onlooker, error) {
	return d.openReaderOf(ctx, d.state(conf))
}

func (d *door) openReaderOf(ctx context.Context, state config.Place) (onlooker, error) {
	if !state.Database() {
		return sqlite.OpenReader(ctx, string(state))
	}
	if err := d.known(state); err != nil {
		return nil, err
	}
	return postgres.OpenReader(ctx, string(state))
}

// openClerk opens the ledger for papers only.
func (d *door) openClerk(ctx context.Context, conf *config.Config) (clerk, error) {
	if d.shared(conf) {
		return d.openShared(ctx, conf, postgres.Options{})
	}
	return sqlite.OpenClerk(ctx, d.stateFolder(conf))
}

func newMigrate(d *door) *cobra.Command {
	return &cobra.Command{
		Use:     "migrate",
		Short:   d.Say("bring the ledger's tables up to date, before its workers start"),
		Long:    d.Say("Whoever opens the ledger does that by itself; this is for those who do it as a step of its own.\nMany at once do it once."),
		Example: "  hongyan migrate --state postgres://hongyan@db/hongyan",
		Args:    d.exactly(0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return d.migrate(cmd.Context()) },
	}
}

func (d *door) migrate(ctx context.Context) error {
	conf, err := d.config()
	if err != nil {
		return err
	}
	if err := d.upToDate(ctx, conf); err != nil {
		return err
	}
	fmt.Fprintln(d.out, d.Say("%s is up to date.", d.state(conf).String()))
	return nil
}

func (d *door) upToDate(ctx context.Context, conf *config.Config) error {
	if d.shared(conf) {
		if err := d.known(d.state(conf)); err != nil {
			return err
		}
		return postgres.Migrate(ctx, string(d.state(conf)))
	}
	books, err := sqlite.OpenClerk(ctx, d.stateFolder(conf))
	if err != nil {
		return err
	}
	return books.Close()
}

// shelf opens the ledger to read its papers; there may be none yet.
func (d *door) shelf(ctx context.Context, conf *config.Config) (ledger.Papers, func(), error) {
	if conf == nil { // its faults are told
		return nil, func() {}, nil
	}
	reader, err := d.openReader(ctx, conf)
	if errors.Is(err, os.ErrNotExist) {
		return nil, func() {}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return reader, func() { reader.Close() }, nil
}
