package main

import (
	"fmt"
	"io"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"hongyan/internal/ledger"
	"hongyan/internal/report"
	"hongyan/internal/run"
)

// progress shows a run to people: a live line on a terminal, plain lines
// elsewhere. It is a voice, not a memory: the books are the ledger's.
type progress struct {
	door    *door
	total   int
	takes   time.Duration // at the accounts' limits
	began   time.Time
	settled atomic.Int64
	sent    atomic.Int64
	bar     *mpb.Bar
	bars    *mpb.Progress
	out     io.Writer

	mu      sync.Mutex // guards the fields below
	spoken  time.Time
	waiting run.Waiting
}

// quiet is how long plain progress says nothing.
const quiet = 10 * time.Second

func (d *door) progress(total int, takes time.Duration) *progress {
	p := &progress{door: d, total: total, takes: takes, began: time.Now(), out: d.err, spoken: time.Now()}
	if !d.onTerminal() || total == 0 {
		return p
	}
	p.bars = mpb.New(mpb.WithOutput(d.err), mpb.WithWidth(40))
	p.bar = p.bars.AddBar(int64(total),
		mpb.PrependDecorators(decor.CountersNoUnit("%d / %d ")),
		mpb.AppendDecorators(
			decor.Percentage(decor.WCSyncSpace),
			decor.AverageSpeed(0, "  %.1f/s"),
			decor.Any(func(decor.Statistics) string { return "  " + d.Say("about %s left", d.Span(p.left())) }),
			decor.Any(func(decor.Statistics) string { return p.silence() }),
		),
	)
	p.out = p.bars
	return p
}

// left is how long the rest takes: at the accounts' limits, or as fast as it
// went so far where that is slower.
func (p *progress) left() time.Duration {
	done := float64(p.settled.Load())
	rest := float64(p.total) - done
	limits := time.Duration(float64(p.takes) * rest / float64(p.total))
	if done == 0 {
		return limits
	}
	return max(limits, time.Duration(float64(time.Since(p.began))*rest/done))
}

// silence is why nothing moves, if so.
func (p *progress) silence() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	left := time.Until(p.waiting.Until.Round(0))
	if left <= 0 {
		return ""
	}
	if p.waiting.Due {
		return "  " + p.door.Say("the rest was put off: %s", left.Round(time.Second))
	}
	return "  " + p.door.Say("%s waits %s: %s", p.waiting.Account, left.Round(time.Second), p.door.Text(silenceOf(p.waiting.Why)))
}

func (p *progress) watch(e run.Event) {
	switch e := e.(type) {
	case *run.Settled:
		p.settle(e)
	case run.Waiting:
		p.wait(e)
	case run.TurnedAway:
		fmt.Fprintln(p.out, p.door.Say("account %s: the server turned a connection away (%s); it goes on over %d",
			e.Account, report.Printable(e.Why), e.Others))
	}
}

func (p *progress) settle(e *run.Settled) {
	if e.Outcome.State == ledger.Sent {
		p.sent.Add(1)
	}
	if e.Outcome.State != ledger.Deferred {
		p.settled.Add(1)
		if p.bar != nil {
			p.bar.Increment()
		}
	}
	if e.Outcome.State != ledger.Sent && p.total <= 10_000 {
		fmt.Fprintln(p.out, p.door.Say("line %d, %s: %s: %s",
			e.Entry.Line, e.Entry.Address, p.door.Word(string(e.Outcome.State)), p.said(e.Outcome)))
	}
	if p.bar == nil {
		p.speak()
	}
}

// said is a server's answer as it came, or the reason that we gave ourselves.
func (p *progress) said(o ledger.Outcome) string {
	text := p.door.Text(report.Answer(o.Reply, o.Rule))
	if o.Enhanced != "" {
		text = o.Enhanced + " " + text
	}
	if o.Code != 0 {
		text = strconv.Itoa(o.Code) + " " + text
	}
	return text
}

// speak says how far the run is, not too often.
func (p *progress) speak() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.spoken) < quiet {
		return
	}
	p.spoken = time.Now()
	fmt.Fprintln(p.out, p.door.Say("%d of %d settled, %d sent", p.settled.Load(), p.total, p.sent.Load()))
}

func (p *progress) wait(e run.Waiting) {
	p.mu.Lock()
	news := e.Account != p.waiting.Account || e.Until.Sub(p.waiting.Until).Abs() > time.Second
	p.waiting = e
	p.mu.Unlock()
	if news && e.Due {
		fmt.Fprintln(p.out, p.door.Say("recipients that were put off are tried again at %s", stamp(e.Until)))
		return
	}
	if news && time.Until(e.Until) > time.Second {
		fmt.Fprintln(p.out, p.door.Say("account %s is silent until %s: %s", e.Account, stamp(e.Until), p.door.Text(silenceOf(e.Why))))
	}
}

func (p *progress) done() {
	if p.bars == nil {
		return
	}
	p.bar.Abort(false)
	p.bars.Wait()
}
