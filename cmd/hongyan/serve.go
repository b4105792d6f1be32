package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"hongyan/internal/config"
	"hongyan/internal/ledger/sqlite"
	"hongyan/internal/metrics"
	"hongyan/internal/web"
	"hongyan/internal/web/api"
	"hongyan/internal/web/login"
)

type serveOptions struct {
	campaigns, listen, pid string
	ready                  bool
}

func newServe(d *door) *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: d.Say("stay running: send what is due, show the dashboard, let recipients leave"),
		Long: d.Say("Watches the campaigns folder, begins an issue when its slot is due, goes on with what was under way,\n" +
			"and shows it all on the dashboard. Stops after the mails in flight; a second signal stops it at once."),
		Example: "  hongyan serve\n" +
			"  hongyan serve --campaigns campaigns --listen 127.0.0.1:8090 --pid /run/hongyan/pid",
		Args: d.exactly(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.ready {
				return d.askReady(cmd.Context(), o)
			}
			return d.serve(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.campaigns, "campaigns", "", d.Say("`FOLDER` of campaign files (default: campaigns, beside the configuration)"))
	flags.StringVar(&o.listen, "listen", "", d.Say("`HOST:PORT` of the dashboard (default: serve.listen of the configuration, or 127.0.0.1:8090)"))
	flags.StringVar(&o.pid, "pid", "", d.Say("write the number of the process to `FILE` once it is ready, and remove it at the end"))
	flags.BoolVar(&o.ready, "ready", false, d.Say("ask the service that is running whether it is ready, and say so by the exit code"))
	return cmd
}

// askReady asks another process, as the health check of a container does. Its
// certificate is for the names that browsers use, and nothing secret is said. One
// that wants a certificate of us has done its part of a handshake by then: it is
// up, and more than that it tells no stranger.
func (d *door) askReady(ctx context.Context, o serveOptions) error {
	conf, err := d.config()
	if err != nil {
		return err
	}
	entrance := entranceOf(conf, "")
	entrance.Listen = cmp.Or(o.listen, entrance.Listen)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, urlOf(entrance.Listen, entrance.Secure())+"readyz", nil)
	if err != nil {
		return err
	}
	var strict atomic.Bool
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			strict.Store(true)
			return new(tls.Certificate), nil
		},
	}}}
	defer client.CloseIdleConnections()
	response, err := client.Do(r)
	if err != nil && strict.Load() {
		fmt.Fprintln(d.out, d.Say("up; only visitors with a certificate learn more (serve.client_ca)"))
		return nil
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(d.Say("not ready"))
	}
	fmt.Fprintln(d.out, d.Say("ready"))
	return nil
}

func (d *door) serve(ctx context.Context, o serveOptions) (err error) {
	relieve()
	conf, err := d.config()
	if err != nil {
		return err
	}
	if err := conf.Serve.Missing.Err(); err != nil {
		return err
	}
	conf.Serve.Listen = cmp.Or(o.listen, conf.Serve.Listen)
	d.metrics = metrics.New(version())
	h, err := d.openHouse(ctx, conf)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	d.depart()
	ctx, cut := d.bounded(ctx)
	defer cut()
	return d.lookingOut(ctx, h, func() error { return d.keepServing(ctx, h.service(campaignFolder(conf, o.campaigns)), o) })
}

// lingering is how long the mails in flight may take after a signal: a body of
// many megabytes and a server that thinks for long.
const lingering = 60 * time.Second

// bounded is ctx until a while after the first signal.
func (d *door) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cut := context.WithCancel(ctx)
	go func() {
		select {
		case <-d.interrupted:
		case <-ctx.Done():
			return
		}
		timer := time.NewTimer(lingering)
		defer timer.Stop()
		select {
		case <-timer.C:
			cut()
		case <-ctx.Done():
		}
	}()
	return ctx, cut
}

// keepServing is the service with its doors, from their opening to their closing.
func (d *door) keepServing(ctx context.Context, s *service, o serveOptions) error {
	s.folder.Look()
	locked, err := login.HasPassword(ctx, s.store)
	if err != nil {
		return err
	}
	entrance := entranceOf(s.conf, d.stateFolder(s.conf))
	l, err := entrance.Open(ctx, locked)
	if refusal, ok := errors.AsType[*web.Refusal](err); ok {
		return d.usagef("%s", d.Text(refusal.Why))
	}
	if err != nil {
		return err
	}
	guard := login.New(login.Options{Shelf: s.store, Secure: entrance.Secure(), Self: whoami(), Beyond: web.Beyond(l.Addr())})
	defer guard.Close()
	desk := s.desk()
	defer desk.glass.close()
	pages, err := s.pages(guard, desk)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	public, err := s.public(ctx)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	url := urlOf(l.Addr().String(), entrance.Secure())
	if err := s.announce(url); err != nil {
		return errors.Join(err, l.Close())
	}
	d.gauge(s.house)
	fmt.Fprintln(d.err, d.Say("The dashboard is on %s", url))
	return s.work(ctx,
		func(ctx context.Context) error { return web.Serve(ctx, l, pages, d.log) },
		func(ctx context.Context) error { return s.begun(ctx, o.pid) },
		public,
		s.watch,
		s.takeBack,
		s.slots,
		func(ctx context.Context) error { return d.watchdog(ctx, s.ready.Load) },
	)
}

// begun puts on the floor what was under way, and then says that all is well.
func (s *service) begun(ctx context.Context, pid string) error {
	if err := s.resume(ctx); err != nil {
		return err
	}
	s.ready.Store(true)
	if err := s.door.notify("READY=1"); err != nil {
		return err
	}
	if pid == "" {
		return nil
	}
	if err := os.WriteFile(pid, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644); err != nil {
		return err
	}
	<-ctx.Done()
	return os.Remove(pid)
}

func entranceOf(conf *config.Config, state string) web.Entrance {
	c := conf.Serve
	e := web.Entrance{Listen: c.Listen, Cert: c.TLSCert, Key: c.TLSKey, ClientCA: c.ClientCA}
	if c.ACME != "" {
		e.ACME = &web.ACME{Hosts: c.Hosts, Email: c.ACME, Folder: filepath.Join(state, "acme")}
	}
	return e
}

func urlOf(address string, secure bool) string {
	if secure {
		return "https://" + address + "/"
	}
	return "http://" + address + "/"
}

// announce has whoever finds the ledger taken told where it is at work.
func (s *service) announce(url string) error {
	if store, ok := s.store.(*sqlite.Store); ok {
		return store.Announce(url)
	}
	return nil
}

// pages are the dashboard, for people and for programs, and beside it what
// machines ask.
func (s *service) pages(guard *login.Guard, desk desk) (http.Handler, error) {
	programs := api.Options{Books: s.store, Desk: desk, Log: s.door.log}
	tokens := func(h http.Handler) http.Handler { return guard.API(h, programs.Refuse) }
	server, err := web.New(web.Options{
		Books: s.store, Desk: desk, Guard: guard, Lang: s.door.Lang,
		Hosts: s.conf.Serve.Hosts, Log: s.door.log,
		API:    api.New(programs, tokens),
		Others: map[string]http.Handler{"GET /metrics": s.door.metrics.Handler()},
	})
	if err != nil {
		return nil, err
	}
	site, mux := server.Handler(), http.NewServeMux()
	mux.Handle("/", site)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, true) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.ready.Load()) })
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			site.ServeHTTP(w, r)
			return
		}
		tokens(s.door.metrics.Handler()).ServeHTTP(w, r) // a collector has no session; it shows a token
	})
	return mux, nil
}

func answer(w http.ResponseWriter, well bool) {
	w.Header().Set("Cache-Control", "no-store")
	if !well {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ok") // who has gone reads nothing
}
