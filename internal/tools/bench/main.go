// Bench measures the real program in one run beside what others do on the same
// machine: Postfix's smtp-source against the same smtp-sink, text/template and
// goldmark for each recipient, Email.Bytes. It prints each figure with its bar
// and whether it is met, and writes the same as a Markdown table.
//
//	go run -C internal/tools ./bench -program "$PWD/bin/hongyan"
//
// Everything listens on 127.0.0.1 and ends by itself.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	b := bench{table: &table{}}
	flag.StringVar(&b.program, "program", "bin/hongyan", "the `file` to measure")
	flag.IntVar(&b.mails, "mails", 50_000, "how many mails the whole job has")
	flag.IntVar(&b.many, "many", 1_000_000, "how many recipients the long list has")
	flag.IntVar(&b.handed, "handed", 40_000, "how many mails are handed to workers")
	flag.StringVar(&b.only, "only", "", "measure only this `PART`: "+strings.Join(b.names(), ", "))
	flag.IntVar(&b.shown, "shown", 20_000, "how many mails the preview has")
	out := flag.String("o", "", "the `file` of the Markdown table")
	flag.Parse()
	if err := b.all(*out); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A bench is one run of all measurements.
type bench struct {
	program                    string
	only                       string
	mails, many, shown, handed int

	dir     string // on a disk, not in memory: durable means durable
	postfix postfix
	table   *table
}

// atMost ends a run that hangs.
const atMost = 30 * time.Minute

func (b *bench) all(out string) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	if b.dir, err = os.MkdirTemp(filepath.Dir(b.program), "bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if b.postfix, err = findPostfix(ctx, b.dir); err != nil {
		return err
	}
	b.table.say("%s", machine())
	for _, part := range b.parts() {
		if b.only == "" || b.only == part.name {
			err = errors.Join(err, part.measure(ctx)) // the others are worth knowing all the same
		}
	}
	b.table.say("%s", machine())
	return errors.Join(err, b.table.write(out))
}

// A part is one measurement.
type part struct {
	name    string
	measure func(context.Context) error
}

func (b *bench) parts() []part {
	return []part{
		{"one", b.one},
		{"job", b.job},
		{"far", b.far},
		{"long", b.long},
		{"shared", b.shared},
		{"preview", b.preview},
		{"pages", b.pages},
	}
}

func (b *bench) names() (out []string) {
	for _, p := range b.parts() {
		out = append(out, p.name)
	}
	return out
}

// one is one mail: rendered and composed, beside what others do for it.
func (b *bench) one(ctx context.Context) error {
	got, err := goBench(ctx, "Render|Compose|EmailBytes", "-count", "5", "-benchtime", "300ms", "./internal/render", "./internal/message")
	if err != nil {
		return err
	}
	render, naive := got["Render"], got["RenderNaive"]
	b.table.add("render subject, HTML and text of one mail", "≤ 20 µs, ≤ 120 allocations, ≥ 4 × text/template + goldmark",
		render.ns <= 20e3 && render.allocs <= 120 && naive.ns >= 4*render.ns,
		"%.1f µs, %.0f allocations, %.1f × (%.0f µs)", render.ns/1e3, render.allocs, naive.ns/render.ns, naive.ns/1e3)
	compose, bytes := got["Compose"], got["EmailBytes"]
	b.table.add("compose 2 KB text and 6 KB Chinese HTML", "≤ 12 µs, ≥ 3 × Email.Bytes",
		compose.ns <= 12e3 && bytes.ns >= 3*compose.ns,
		"%.1f µs, %.1f × (%.0f µs)", compose.ns/1e3, bytes.ns/compose.ns, bytes.ns/1e3)
	shared := got["ComposeShared100K"]
	b.table.add("the same with a shared attachment of 100 KB", "≤ 15 µs", shared.ns <= 15e3, "%.1f µs", shared.ns/1e3)
	return nil
}

// job is the whole job on twenty connections: list, render, ledger, SMTP, report.
func (b *bench) job(ctx context.Context) error {
	sink, err := b.postfix.sink(ctx)
	if err != nil {
		return err
	}
	defer sink.stop()
	source, err := b.postfix.source(ctx, sink.addr, 20, b.mails)
	if err != nil {
		return err
	}
	c, err := b.campaign("job", b.mails, 20, sink.addr)
	if err != nil {
		return err
	}
	sent, err := b.send(ctx, c)
	if err != nil {
		return err
	}
	rate, other := float64(b.mails)/sent.wall.Seconds(), float64(b.mails)/source.wall.Seconds()
	b.table.add(fmt.Sprintf("20 connections, %d recipients, whole job, ledger durable", b.mails), "≥ 10 000 /s and ≥ 0.6 of smtp-source -d",
		rate >= 10_000 && rate >= 0.6*other,
		"%.0f /s, %.2f of %.0f /s; %.0f µs of processor a mail, the sink's not counted", rate, rate/other, other, sent.each(b.mails))
	return nil
}

// far is one connection to a server that is 20 ms away.
func (b *bench) far(ctx context.Context) error {
	sink, err := b.postfix.sink(ctx)
	if err != nil {
		return err
	}
	defer sink.stop()
	way, err := delayed(ctx, sink.addr, 20*time.Millisecond)
	if err != nil {
		return err
	}
	defer way.stop()
	const few, some = 150, 1500
	source, err := b.postfix.source(ctx, way.addr, 1, few)
	if err != nil {
		return err
	}
	c, err := b.campaign("far", some, 1, way.addr)
	if err != nil {
		return err
	}
	sent, err := b.send(ctx, c)
	if err != nil {
		return err
	}
	rate, other := some/sent.wall.Seconds(), few/source.wall.Seconds()
	b.table.add("one connection, 20 ms more of round-trip time", "≥ 44 /s, ≥ 3.8 × smtp-source -d", rate >= 44 && rate >= 3.8*other,
		"%.1f /s, %.1f × %.1f /s", rate, rate/other, other)
	return nil
}

// long is a long list, interrupted in the middle and gone on with.
func (b *bench) long(ctx context.Context) error {
	sink, err := b.postfix.sink(ctx)
	if err != nil {
		return err
	}
	defer sink.stop()
	small, err := b.campaign("short", b.many/100, 20, sink.addr)
	if err != nil {
		return err
	}
	short, err := b.send(ctx, small)
	if err != nil {
		return err
	}
	c, err := b.campaign("long", b.many, 20, sink.addr)
	if err != nil {
		return err
	}
	begun, err := b.sendUntil(ctx, c, sink, b.many/2)
	if err != nil {
		return err
	}
	resumed, err := b.sendUntil(ctx, c, sink, 0)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%d recipients", b.many)
	peak := max(begun.peak, resumed.peak)
	b.table.add(name+": peak memory", "≤ 64 MiB", peak <= 64<<20, "%.1f MiB, the program's own file (%.1f MiB) among it", mib(peak), mib(max(begun.file, resumed.file)))
	b.table.add(name+": first mail leaves after", "≤ 2 s", begun.first <= 2*time.Second, "%.1f s", begun.first.Seconds())
	b.table.add(name+", half of them done: first mail leaves after", "≤ 5 s", resumed.first <= 5*time.Second, "%.1f s", resumed.first.Seconds())
	before, after := short.each(b.many/100), begun.plus(resumed).each(b.many)
	b.table.add(fmt.Sprintf("processor a mail, from %d to %d recipients", b.many/100, b.many), "grows by ≤ 10 %", after <= 1.1*before,
		"%+.0f %% (%.0f → %.0f µs)", 100*(after/before-1), before, after)
	whole := begun.wall + resumed.wall
	b.table.add(name+": whole time, interrupted once", "", true, "%.0f s, %.0f /s", whole.Seconds(), float64(b.many)/whole.Seconds())
	return nil
}

// preview is a gallery on disk.
func (b *bench) preview(ctx context.Context) error {
	c, err := b.campaign("preview", b.shown, 1, "127.0.0.1:25")
	if err != nil {
		return err
	}
	got, err := b.run(ctx, "--config", c.config, "preview", "-o", filepath.Join(b.dir, "gallery"), c.file)
	if err != nil {
		return err
	}
	rate := float64(b.shown) / got.wall.Seconds()
	b.table.add(fmt.Sprintf("preview of %d recipients to disk", b.shown), "≥ 3 000 /s, ≤ 150 MiB", rate >= 3000 && got.peak <= 150<<20,
		"%.0f /s, %.0f MiB", rate, mib(got.peak))
	return nil
}

// pages are the dashboard's, each asked for after a mail has left, those that
// count most once more after a restart, and those that people leave open while
// mails leave.
func (b *bench) pages(ctx context.Context) error {
	got, err := goBench(ctx, "Pages", "-benchtime", "20x", "./internal/web")
	if err != nil {
		return err
	}
	slowest, name := 0.0, ""
	for page, f := range got {
		if f.ns > slowest {
			slowest, name = f.ns, page
		}
	}
	b.table.add(fmt.Sprintf("the slowest of %d pages of the dashboard over 100000 recipients", len(got)), "≤ 100 ms", slowest <= 100e6,
		"%.0f ms (%s)", slowest/1e6, name[strings.IndexByte(name, '/')+1:])
	return nil
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }
