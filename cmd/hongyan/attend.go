package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"hongyan/internal/crew"
	"hongyan/internal/web"
)

// This file is a worker's door for machines: what it does, in Prometheus's words,
// and whether it lives and is of use, for whoever starts and stops workers. It
// knows no secret and takes no orders, and without a host in its address it is
// open to this machine alone.

// A pulse is when a worker last looked for work, and when the ledger last answered.
type pulse struct{ looked, heard atomic.Int64 } // Unix milliseconds

// A worker looks every two seconds; an answer may take ten.
const (
	lifeless = time.Minute
	deaf     = 15 * time.Second
)

func (p *pulse) beat(at *atomic.Int64) { at.Store(time.Now().UnixMilli()) }

func felt(at *atomic.Int64, d time.Duration) bool {
	return time.Since(time.UnixMilli(at.Load())) < d
}

// attended is the floor of a worker whose pulse is felt.
type attended struct {
	crew.Floor
	pulse *pulse
}

func (a attended) Due(ctx context.Context) ([]crew.Due, error) {
	a.pulse.beat(&a.pulse.looked)
	due, err := a.Floor.Due(ctx)
	if err == nil {
		a.pulse.beat(&a.pulse.heard)
	}
	return due, err
}

// whileAttended runs a crew with the door open, if it is to have one.
func (w *worker) whileAttended(ctx context.Context, listen string, c *crew.Crew) error {
	if listen == "" {
		return c.Run(ctx)
	}
	l, err := listenNear(ctx, listen)
	if err != nil {
		return err
	}
	fmt.Fprintln(w.door.err, w.door.Say("How the worker does is told on http://%s/metrics", l.Addr()))
	var p pulse
	p.beat(&p.looked)
	c.Floor = attended{c.Floor, &p}
	serving, end := context.WithCancel(ctx)
	var doorkeeper sync.WaitGroup
	doorkeeper.Go(func() {
		if err := web.Serve(serving, l, w.attendance(&p), w.door.log); err != nil {
			w.door.log.Error("nobody is told how the worker does any more", "err", err) // mails are no worse for it
		}
	})
	err = c.Run(ctx)
	end()
	doorkeeper.Wait()
	return err
}

// listenNear listens where it is told to; where no host is named, on loopback.
func listenNear(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, port))
}

// attendance is what can be asked at the door. A worker that is to end lives on
// while it waits for the mails in flight, but is of no more use.
func (w *worker) attendance(p *pulse) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", w.door.metrics.Handler())
	mux.HandleFunc("GET /livez", func(rw http.ResponseWriter, _ *http.Request) {
		answer(rw, w.stopped() || felt(&p.looked, lifeless))
	})
	mux.HandleFunc("GET /readyz", func(rw http.ResponseWriter, _ *http.Request) {
		answer(rw, !w.stopped() && felt(&p.heard, deaf))
	})
	return mux
}
