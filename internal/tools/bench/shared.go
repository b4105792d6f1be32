package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// accounts is how many the shared campaign has, each on connectionsEach.
const accounts, connectionsEach = 8, 4

// crowd writes a campaign over many accounts; rate is each one's, in mails a second.
func (b *bench) crowd(name string, rows, rate int, server string) (campaign, error) {
	c, err := b.campaign(name, rows, connectionsEach, server)
	if err != nil {
		return c, err
	}
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return c, err
	}
	var conf strings.Builder
	var names []string
	fmt.Fprintf(&conf, "account: a0\nstate: state\naccounts:\n")
	for i := range accounts + 1 { // the last one is nobody's
		names = append(names, fmt.Sprintf("a%d", i))
		fmt.Fprintf(&conf, "  a%d: {provider: custom, host: %s, port: %s, tls: none, address: a%d@example.com, limits: {per_second: %d, connections: %d}}\n",
			i, host, port, i, rate, connectionsEach)
	}
	if err := os.WriteFile(c.config, []byte(conf.String()), 0o600); err != nil {
		return c, err
	}
	return c, os.WriteFile(c.file, []byte(campaignFile+"accounts: ["+strings.Join(names[:accounts], ", ")+"]\n"), 0o600)
}

// fast is faster than anything here.
const fast = 100_000

// shared measures what is carried by workers.
func (b *bench) shared(ctx context.Context) error {
	db, err := startDatabase(ctx)
	if err != nil {
		return err
	}
	for _, part := range []func(context.Context, *database) error{b.workers, b.enqueue, b.takeover} {
		err = errors.Join(err, part(ctx, db))
	}
	return errors.Join(err, db.stop())
}

// workers is the whole job by one worker and by two, beside one process on a
// folder with the same accounts.
func (b *bench) workers(ctx context.Context, db *database) error {
	sink, err := b.postfix.sink(ctx)
	if err != nil {
		return err
	}
	defer sink.stop()
	c, err := b.crowd("alone", b.handed, fast, sink.addr)
	if err != nil {
		return err
	}
	alone, err := b.send(ctx, c)
	if err != nil {
		return err
	}
	one, err := b.handOver(ctx, db, sink, 1)
	if err != nil {
		return err
	}
	two, err := b.handOver(ctx, db, sink, 2)
	if err != nil {
		return err
	}
	n := float64(b.handed)
	folder, single, double := n/alone.wall.Seconds(), n/one.wall.Seconds(), n/two.wall.Seconds()
	last := n / one.last.Seconds()
	b.table.add(fmt.Sprintf("1 worker on PostgreSQL, %d accounts × %d connections, %d recipients, from handing over to the last record", accounts, connectionsEach, b.handed),
		"≥ 5 000 /s and ≥ 0.5 of the same on SQLite", last >= 5000 && single >= 0.5*folder,
		"%.0f /s; until send has ended %.0f /s, %.2f of %.0f /s; a mail costs %s, on SQLite %.0f µs of processor", last, single, single/folder, folder, one.each(b.handed), alone.each(b.handed))
	b.table.add("2 workers on this machine", "no slower than 1", double >= single, "%.0f /s, %.2f of 1; a mail costs %s", double, double/single, two.each(b.handed))
	return nil
}

// A joint is what an issue took that was handed to workers.
type joint struct {
	wall, last               time.Duration // until send has ended, and until the last record
	workers, sender, servers time.Duration // of processors
	commits                  int64
}

func (j joint) each(n int) string {
	µs := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(n) }
	return fmt.Sprintf("%.0f µs of the workers' processor, %.0f of the sender's, %.0f of the database's, and %.2f transactions",
		µs(j.workers), µs(j.sender), µs(j.servers), float64(j.commits)/float64(n))
}

// handOver has so many workers carry an issue that send hands over and follows.
func (b *bench) handOver(ctx context.Context, db *database, sink *sink, workers int) (j joint, err error) {
	name := fmt.Sprintf("workers%d", workers)
	c, err := b.crowd(name, b.handed, fast, sink.addr)
	if err != nil {
		return j, err
	}
	url, err := db.place(ctx, name)
	if err != nil {
		return j, err
	}
	crew, err := b.hire(ctx, db, c, url, workers, "--lanes", strconv.Itoa(accounts/workers))
	defer func() { err = errors.Join(err, crew.dismiss()); j.workers = crew.cpu }()
	if err != nil {
		return j, err
	}
	had := db.cpu()
	commits, err := db.commits(ctx)
	if err != nil {
		return j, err
	}
	begun := time.Now()
	sent, err := b.run(ctx, "--config", c.config, "--state", url, "send", "--yes", c.file)
	if err != nil {
		return j, err
	}
	last, err := db.number(ctx, "SELECT max(ended) FROM "+name+".delivery")
	if err != nil {
		return j, err
	}
	j.last = time.UnixMilli(last).Sub(begun)
	j.wall, j.sender = sent.wall, sent.cpu
	j.servers = db.cpu() - had
	after, err := db.commits(ctx)
	j.commits = after - commits
	return j, err
}

// commits is how many transactions the database has had.
func (db *database) commits(ctx context.Context) (int64, error) {
	return db.number(ctx, "SELECT pg_stat_force_next_flush(); SELECT sum(xact_commit)::bigint FROM pg_stat_database")
}

// A crew is some workers on one database.
type crew struct {
	all []*exec.Cmd
	cpu time.Duration // when they are gone
}

// hire starts workers and waits until all of them are there.
func (b *bench) hire(ctx context.Context, db *database, c campaign, url string, n int, args ...string) (*crew, error) {
	crew := &crew{}
	if _, err := b.run(ctx, "--config", c.config, "--state", url, "migrate"); err != nil {
		return crew, err
	}
	for i := range n {
		said, err := os.Create(filepath.Join(filepath.Dir(c.config), fmt.Sprintf("worker%d.log", i)))
		if err != nil {
			return crew, err
		}
		cmd := exec.CommandContext(ctx, b.program, append([]string{"--config", c.config, "--state", url, "worker"}, args...)...)
		cmd.Stderr = said
		err = errors.Join(cmd.Start(), said.Close())
		if err != nil {
			return crew, err
		}
		crew.all = append(crew.all, cmd)
	}
	schema := url[strings.LastIndexByte(url, '=')+1:]
	return crew, db.until(ctx, fmt.Sprintf("SELECT count(*) FROM %s.worker WHERE works", schema), int64(n))
}

// until waits until the answer is at least so much.
func (db *database) until(ctx context.Context, statement string, least int64) error {
	for {
		n, err := db.number(ctx, statement)
		if err != nil || n >= least {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("%s: %d: %w", statement, n, ctx.Err())
		}
	}
}

// dismiss ends all workers, and adds up what they cost.
func (c *crew) dismiss() (err error) {
	for _, cmd := range c.all {
		_ = cmd.Process.Signal(os.Interrupt) // it may have been killed
	}
	for _, cmd := range c.all {
		if ended := cmd.Wait(); ended != nil && cmd.ProcessState.Exited() && cmd.ProcessState.ExitCode() != 130 {
			err = errors.Join(err, fmt.Errorf("a worker: %w", ended))
		}
		c.cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	}
	return err
}

// enqueue is a long list on its way into the database; nobody sends meanwhile.
func (b *bench) enqueue(ctx context.Context, db *database) (err error) {
	c, err := b.crowd("enqueue", b.many, fast, "127.0.0.1:25")
	if err != nil {
		return err
	}
	url, err := db.place(ctx, "enqueue")
	if err != nil {
		return err
	}
	crew, err := b.hire(ctx, db, c, url, 1, "--accounts", fmt.Sprintf("a%d", accounts))
	defer func() { err = errors.Join(err, crew.dismiss()) }()
	if err != nil {
		return err
	}
	had := db.cpu()
	var begun, ended time.Time
	var used, served time.Duration
	cmd := exec.CommandContext(ctx, b.program, "--config", c.config, "--state", url, "send", "--yes", c.file)
	got, err := finish(cmd, func() error {
		if err := db.until(ctx, "SELECT count(*) FROM enqueue.issue", 1); err != nil {
			return err
		}
		begun = time.Now()
		if err := db.until(ctx, "SELECT count(*) FROM enqueue.issue WHERE complete", 1); err != nil {
			return err
		}
		ended = time.Now()
		used, served = processor(cmd.Process.Pid), db.cpu()
		return cmd.Process.Signal(os.Interrupt) // its issue is the workers' now
	})
	if err != nil {
		return err
	}
	rate := float64(b.many) / ended.Sub(begun).Seconds()
	b.table.add(fmt.Sprintf("enqueue of %d recipients on PostgreSQL", b.many), "≥ 60 000 rows/s, ≤ 128 MiB",
		rate >= 60_000 && got.peak <= 128<<20, "%.0f rows/s, %.0f MiB; a row costs %.1f µs of the sender's processor, among it the plan, and %.1f of the database's",
		rate, mib(got.peak), cost{cpu: used}.each(b.many), cost{cpu: served - had}.each(b.many))
	return nil
}

// takeover is a worker killed, until all its accounts send again.
func (b *bench) takeover(ctx context.Context, db *database) (err error) {
	sink, err := b.postfix.sink(ctx)
	if err != nil {
		return err
	}
	defer sink.stop()
	c, err := b.crowd("takeover", 100_000, 20, sink.addr)
	if err != nil {
		return err
	}
	url, err := db.place(ctx, "takeover")
	if err != nil {
		return err
	}
	crew, err := b.hire(ctx, db, c, url, 2)
	defer func() { err = errors.Join(err, crew.dismiss()) }()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, b.program, "--config", c.config, "--state", url, "send", "--yes", c.file)
	var late int64
	_, err = finish(cmd, func() error {
		if late, err = crew.replaced(ctx, db); err != nil {
			return err
		}
		return cmd.Process.Signal(os.Interrupt)
	})
	if err != nil {
		return err
	}
	took := time.Duration(late) * time.Millisecond
	b.table.add("takeover after kill -9, until every account of the dead worker sends again", "≤ 10 s", took <= 10*time.Second, "%.1f s", took.Seconds())
	return nil
}

// replaced kills a worker that has accounts at work, and returns after how many
// milliseconds the last of them had its first intent by another.
func (c *crew) replaced(ctx context.Context, db *database) (int64, error) {
	if err := db.until(ctx, "SELECT count(DISTINCT account) FROM takeover.delivery WHERE begun > 0", accounts); err != nil {
		return 0, err
	}
	dead, had, err := c.busiest(ctx, db)
	if err != nil {
		return 0, err
	}
	killed := time.Now().UnixMilli()
	if err := dead.Process.Kill(); err != nil {
		return 0, err
	}
	first := fmt.Sprintf("(SELECT min(begun) AS at FROM takeover.delivery WHERE begun > %d AND account IN (%s) GROUP BY account) AS again", killed, had)
	if err := db.until(ctx, "SELECT count(*) FROM "+first, int64(strings.Count(had, ",")+1)); err != nil {
		return 0, err
	}
	return db.number(ctx, fmt.Sprintf("SELECT max(at) - %d FROM %s", killed, first))
}

// busiest is the worker that has the most accounts, and which.
func (c *crew) busiest(ctx context.Context, db *database) (dead *exec.Cmd, accounts string, err error) {
	for _, cmd := range c.all {
		had, err := db.ask(ctx, fmt.Sprintf(`SELECT coalesce(string_agg(account::text, ','), '') FROM takeover.lease
			JOIN takeover.worker ON id = owner WHERE name LIKE '%%:%d'`, cmd.Process.Pid))
		if err != nil {
			return nil, "", err
		}
		if dead == nil || len(had) > len(accounts) {
			dead, accounts = cmd, had
		}
	}
	if accounts == "" {
		return nil, "", errors.New("no worker has an account")
	}
	return dead, accounts, nil
}
