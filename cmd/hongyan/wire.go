package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/message"
	"hongyan/internal/reply"
	"hongyan/internal/run"
	"hongyan/internal/sandbox"
	"hongyan/internal/sender"
)

// This file is who plays which part. Read it from top to bottom and you know
// the program.

// A house is a running program: the ledger, and the sandboxes that some of its
// accounts talk to.
type house struct {
	door    *door
	conf    *config.Config
	store   ledger.Store
	stop    context.CancelFunc
	servers sync.WaitGroup
	lookout *lookout // while something is sent
	scratch scratch

	mu    sync.Mutex // guards the maps
	books map[string]*reply.Book
	ways  map[string]*way   // by account, or lane of one
	taken map[string]string // sandbox account → folder of captured mails
}

// openHouse opens the ledger for writing. See openStore.
func (d *door) openHouse(ctx context.Context, conf *config.Config) (*house, error) {
	store, err := d.openStore(ctx, conf)
	if err != nil {
		return nil, err
	}
	return d.housed(conf, store), nil
}

func (d *door) housed(conf *config.Config, store ledger.Store) *house {
	return &house{
		door: d, conf: conf, store: store, stop: func() {},
		books: map[string]*reply.Book{}, ways: map[string]*way{}, taken: map[string]string{},
	}
}

func (h *house) close() error {
	h.stop()
	h.servers.Wait()
	return errors.Join(h.store.Close(), h.scratch.close())
}

func (h *house) book(provider string) (*reply.Book, error) {
	if book, ok := h.books[provider]; ok {
		return book, nil
	}
	book, err := loadBook(provider, h.conf.Replies)
	if err == nil {
		h.books[provider] = book
	}
	return book, err
}

func loadBook(provider string, files []string) (*reply.Book, error) {
	user := make([]reply.UserFile, len(files))
	for i, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		user[i] = reply.UserFile{Name: file, Data: data}
	}
	return reply.Load(provider, user...)
}

// sender knows how to reach the account's server, which for a sandbox account
// it starts, and for how long it may use it.
func (h *house) sender(ctx context.Context, account config.Account, sure func() error) (*sender.Sender, error) {
	if account.Provider == "sandbox" {
		return h.sandbox(ctx, account, sure)
	}
	if !account.Secret.IsZero() { // what is missing here is better told before anything is dialled
		if _, err := account.Secret.Read(ctx); err != nil {
			return nil, fmt.Errorf("account %s: %w", account.Name, err)
		}
	}
	roots, err := rootsOf(account)
	if err != nil {
		return nil, err
	}
	wired := h.door.wired(account, roots)
	wired.May = sure
	return sender.New(wired), nil
}

// wired is the account as the sender takes it.
func (d *door) wired(account config.Account, roots *x509.CertPool) sender.Account {
	out := sender.Account{
		Name: account.Name, Host: account.Host, Port: account.Port, TLS: sender.Mode(account.TLS),
		Roots: roots, ServerName: account.ServerName, Helo: account.Helo,
		Username: account.Username, Password: account.Secret.Read, Insecure: account.Insecure,
		Frame: account.Quirks.Frame, Pipelining: account.Quirks.Pipelining,
		PerConnection: account.Limits.PerConnection, Idle: account.Quirks.Idle,
		Retry: sender.Retry{Tries: 3}, // a server that is gone is left alone by the run, which knows for how long
	}
	if d.debugging() {
		out.Trace = dialogue{d.log, account.Name}
	}
	if d.metrics != nil {
		out.Watch = d.metrics.Stage(account.Name)
	}
	return out
}

// signerOf reads the key that the account's mails are signed with; nil if they
// are not.
func signerOf(ctx context.Context, account config.Account) (*message.Signer, error) {
	if account.DKIM == nil {
		return nil, nil
	}
	key, err := account.DKIM.Signer(ctx)
	if err != nil {
		return nil, err
	}
	return &message.Signer{Domain: account.DKIM.Domain, Selector: account.DKIM.Selector, Key: key}, nil
}

// rootsOf is nil, which means the system's roots, unless the account has a ca_file.
func rootsOf(account config.Account) (*x509.CertPool, error) {
	if account.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(account.CAFile)
	if err != nil {
		return nil, fmt.Errorf("account %s: ca_file: %w", account.Name, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("account %s: ca_file %s holds no certificate", account.Name, account.CAFile)
	}
	return roots, nil
}

// sandbox starts a server on loopback that behaves like QQ Mail, with a
// certificate and an authorization code made on the spot, and talks to that.
func (h *house) sandbox(ctx context.Context, account config.Account, sure func() error) (*sender.Sender, error) {
	code := rand.Text()
	dir := filepath.Join(h.door.stateFolder(h.conf), "sandbox", account.Name)
	server, err := sandbox.New(sandbox.Options{
		Profile: "qq", Username: account.Address, Password: code, Dir: dir,
	})
	if err != nil {
		return nil, err
	}
	if err := server.Listen(ctx, ""); err != nil {
		return nil, err
	}
	serve, stop := context.WithCancel(context.WithoutCancel(ctx))
	before := h.stop
	h.stop = func() { stop(); before() }
	h.servers.Go(func() { server.Run(serve) })
	h.taken[account.Name] = dir

	host, port, err := net.SplitHostPort(server.Addr())
	if err != nil {
		return nil, err
	}
	wired := h.door.wired(account, server.Roots())
	wired.Host, wired.TLS, wired.Username, wired.Frame, wired.May = host, sender.Implicit, account.Address, true, sure
	if wired.Port, err = strconv.Atoi(port); err != nil {
		return nil, err
	}
	wired.Password = func(context.Context) (string, error) { return code, nil }
	return sender.New(wired), nil
}

// line makes a sender of the wire one that a run can use.
type line struct {
	*sender.Sender
	sure func() error // nil while the account certainly is ours
}

func (l line) Open() run.Session { return session{l.Sender.Open(context.Background()), l.sure} }

// sure is the last look before a body leaves, and before each further part of a
// long one, where an account may be lost. A body that leaves in one write leaves
// with its dot: there is nothing between the look and the dot but the write.
func (h *house) sure(by postgres.Lane) func() error {
	if shared, ok := h.booksOf(by).(interface{ Has(account string) error }); ok {
		return func() error { return shared.Has(by.Account) }
	}
	return func() error { return nil }
}

type session struct {
	*sender.Session
	sure func() error
}

func (s session) Offer(ctx context.Context, m *message.Message) error {
	return s.Session.Offer(ctx, m)
}

func (s session) Deliver(ctx context.Context, next *message.Message) (reply.Answer, error) {
	if err := s.sure(); err != nil {
		return reply.Answer{}, err // a breakdown: the run ends, and the connection with it
	}
	if next == nil {
		return s.Session.Deliver(ctx, nil)
	}
	return s.Session.Deliver(ctx, next)
}

func mailbox(name, address string) mail.Address { return mail.Address{Name: name, Address: address} }
