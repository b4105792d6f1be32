package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"hongyan/internal/config"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/message"
	"hongyan/internal/pace"
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

	mu    sync.Mutex // guards the maps
	books map[string]*reply.Book
	ways  map[string]*way   // by account, or lane of one
	taken map[string]string // sandbox account → folder of captured mails
}

// A way is what all issues of a process share of an account: one sender and one
// pacer, so that its limits and connections hold over all of them.
type way struct {
	lane  run.Lane // nobody composes for it
	part  string   // "2/4" of an account that is split, "" for the whole
	knew  pace.State
	wire  *sender.Sender
	pacer *pace.Pacer
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
	return h.store.Close()
}

// way returns one account's way out, built when it is first needed.
func (h *house) way(ctx context.Context, account config.Account) (*way, error) {
	return h.wayBy(ctx, account, postgres.Whole(account.Name))
}

// wayBy is the way out by one lane of an account, with its share of the limits.
func (h *house) wayBy(ctx context.Context, account config.Account, by postgres.Lane) (*way, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if w := h.ways[by.String()]; w != nil {
		return w, nil
	}
	account.Limits = account.Limits.Share(by.N, by.Of)
	book, err := h.book(account.Provider)
	if err != nil {
		return nil, err
	}
	wire, err := h.sender(ctx, account, h.sure(by))
	if err != nil {
		return nil, err
	}
	pacer, err := h.pacer(ctx, account, h.booksOf(by))
	if err != nil {
		return nil, err
	}
	connections := max(account.Limits.Connections, 1)
	w := &way{wire: wire, pacer: pacer, part: by.Part(), knew: pacer.State(), lane: run.Lane{
		Account: account.Name, Sender: line{wire, h.sure(by)}, Pacer: pacer, Judge: book.Judge,
		Connections: connections, Ahead: ahead(account.Limits, connections), Workers: min(connections, 4),
	}}
	h.ways[by.String()] = w
	return w, nil
}

// booksOf is the ledger as a lane sees it; where an account cannot be split, the
// ledger.
func (h *house) booksOf(by postgres.Lane) ledger.Store {
	if shared, ok := h.store.(*postgres.Store); ok && by.Of > 1 {
		return shared.Part(by.N, by.Of)
	}
	return h.store
}

// open are the ways that were needed so far, as they are now.
func (h *house) open() (out []way) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, w := range h.ways {
		out = append(out, *w)
	}
	return out
}

// ahead is how many mails are composed before their turn: hardly any where the
// account is slow, so that another account can have the recipients.
func ahead(l pace.Limits, connections int) int {
	if l.GapMin > 0 {
		return 1
	}
	return 8 * connections
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

// pacer gives the account its limits, its past by those books, what it learned and
// its hold.
func (h *house) pacer(ctx context.Context, account config.Account, books historian) (*pace.Pacer, error) {
	learned, err := learnedBy(ctx, h.store, account.Name)
	if err != nil {
		return nil, err
	}
	past, err := books.History(ctx, account.Name, account.Limits.Since(time.Now(), learned))
	if err != nil {
		return nil, err
	}
	first, err := h.firstSent(ctx, account)
	if err != nil {
		return nil, err
	}
	pacer := pace.New(account.Limits, past, pace.Options{State: learned, First: first, Seed: seed(), Awake: awake})
	holds, err := h.store.Holds(ctx)
	if err != nil {
		return nil, err
	}
	for _, hold := range holds {
		if hold.Account == account.Name && hold.Holds(time.Now()) {
			pacer.Hold(hold.Until, hold.Reason)
		}
	}
	return pacer, nil
}

// firstSent is when the account's first mail left, which only a warm-up asks for.
func (h *house) firstSent(ctx context.Context, account config.Account) (time.Time, error) {
	if len(account.Limits.Warmup) == 0 {
		return time.Time{}, nil
	}
	all, err := h.store.History(ctx, account.Name, time.Time{})
	if err != nil || len(all) == 0 {
		return time.Time{}, err
	}
	return all[0], nil
}

// learnedBy is what an account learned in earlier runs.
func learnedBy(ctx context.Context, memory learner, account string) (pace.State, error) {
	var state pace.State
	saved, err := memory.Learned(ctx, account)
	if err != nil || saved == nil {
		return state, err
	}
	if err := json.Unmarshal(saved, &state); err != nil {
		return state, fmt.Errorf("what account %s learned: %w", account, err)
	}
	return state, nil
}

type historian interface {
	History(ctx context.Context, account string, since time.Time) ([]time.Time, error)
}

type learner interface {
	Learned(ctx context.Context, account string) ([]byte, error)
}

// A memory is the ledger of a run that also keeps, with every hold, what the
// accounts have learned by it, and tells of it.
type memory struct {
	ledger.Store
	learn func(context.Context) error
	tell  func(ledger.Hold)
}

func (m memory) Hold(ctx context.Context, hold ledger.Hold) error {
	err := m.Store.Hold(ctx, hold)
	m.tell(hold)
	return errors.Join(err, m.learn(ctx))
}

func seed() uint64 {
	var b [8]byte
	rand.Read(b[:])
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// learned keeps what the accounts have learned for the next run.
func (h *house) learned(ctx context.Context) error {
	for _, w := range h.open() {
		if err := h.keep(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// keep keeps what one account has learned. Of lanes of one account, one that has
// learned nothing, or less than another, keeps still.
func (h *house) keep(ctx context.Context, w way) error {
	learned := w.pacer.State()
	if w.part != "" {
		others, err := learnedBy(ctx, h.store, w.lane.Account)
		if err != nil || learned == w.knew || others.Throttled.After(learned.Throttled) {
			return err
		}
	}
	state, err := json.Marshal(learned)
	if err != nil {
		return err
	}
	return h.store.Learn(ctx, w.lane.Account, state)
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
