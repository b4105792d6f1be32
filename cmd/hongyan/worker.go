package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"hongyan/internal/config"
	"hongyan/internal/crew"
	"hongyan/internal/crew/board"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/metrics"
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
		Short: d.Say("work on a shared ledger with others, until interrupted"),
		Long: d.Say("Takes accounts that have mails to send and that no other worker has, a minute at a time.\n" +
			"Start as many as you like, on any machine with the same configuration; one that dies is replaced within seconds."),
		Example: "  hongyan worker --state postgres://hongyan@db/hongyan\n  hongyan worker --accounts qq-1,qq-2 --listen :9464",
		Args:    d.exactly(0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return d.work(cmd.Context(), o) },
	}
	cmd.Flags().StringSliceVar(&o.accounts, "accounts", nil, d.Say("take only these `ACCOUNTS` (default: all of the configuration)"))
	cmd.Flags().IntVar(&o.lanes, "lanes", 8, d.Say("take at most so many accounts at once, `COUNT`"))
	cmd.Flags().StringVar(&o.listen, "listen", "", d.Say("`HOST:PORT` at which /metrics, /livez and /readyz are asked for (without a host: by this machine alone; default: nowhere)"))
	return cmd
}

// A worker is this process as one of those that share the work.
type worker struct {
	*house
	books    *postgres.Store
	accounts []string // that it takes

	mu     sync.Mutex // guards the fields below
	thawed map[packing]*thawed
	turn   int // whose turn it is among the issues

	shying sync.Mutex // guards the field below
	shy    map[burden]shyness
}

func (d *door) work(ctx context.Context, o workerOptions) error {
	relieve()
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
	takes := o.takes(conf)
	store, err := d.openShared(ctx, conf, postgres.Options{Works: true, Takes: takes})
	if err != nil {
		return err
	}
	if o.listen != "" {
		d.metrics = metrics.New(version())
	}
	h := d.housed(conf, store)
	w := &worker{house: h, books: store, accounts: takes, thawed: map[packing]*thawed{}, shy: map[burden]shyness{}}
	err = d.lookingOut(ctx, h, func() error { return d.crew(ctx, w, o) })
	return errors.Join(err, h.close())
}

// takes are the accounts that the worker takes.
func (o workerOptions) takes(conf *config.Config) []string {
	names := []string{}
	for name := range conf.Accounts {
		if len(o.accounts) == 0 || slices.ContainsFunc(o.accounts, func(a string) bool { return strings.EqualFold(a, name) }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// crew joins the others.
func (d *door) crew(ctx context.Context, w *worker, o workerOptions) error {
	defer w.close()
	sweep()
	if err := board.Sweep(ctx, w.books, workerName()); err != nil {
		return err
	}
	fmt.Fprintln(d.err, d.Say("Working on %s as %s. Ctrl-C ends it after the mails in flight.", d.state(w.conf).String(), workerName()))
	c := &crew.Crew{Pool: w.books.Pool(), Floor: w, Lanes: o.lanes, Log: d.log, Stop: d.interrupted}
	d.gauge(w.house)
	d.depart()
	return w.whileAttended(ctx, o.listen, c)
}

func (w *worker) close() {
	for _, t := range w.thawed {
		_ = t.Close() // it is in the system's own temporary folder
	}
}
