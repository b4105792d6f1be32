package login

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/alexedwards/scs/v2/memstore"
	"golang.org/x/time/rate"

	"hongyan/internal/ledger"
)

// How long a session lasts (ASVS 7.3.1 and 7.3.2).
const (
	Idle     = 30 * time.Minute
	Absolute = 12 * time.Hour
)

// Options say how a door is kept.
type Options struct {
	Shelf  ledger.Shelf
	Secure bool   // browsers come by TLS
	Self   string // who acts when there is no password: the user of this machine
	Beyond bool   // other machines reach the door: without a password nobody acts
}

// A Guard lets people in. It is safe for concurrent use.
type Guard struct {
	options  Options
	sessions *scs.SessionManager
	memory   *memstore.MemStore
	scale    scale
	doors    doors
}

// New returns a guard. Close ends it.
func New(o Options) *Guard {
	memory := memstore.NewWithCleanupInterval(0) // who logs in knows the password: there are few sessions to forget
	s := &scs.SessionManager{Store: memory, Codec: scs.GobCodec{}, HashTokenInStore: true, ErrorFunc: broken}
	g := &Guard{options: o, sessions: s, memory: memory, scale: newScale()}
	s.IdleTimeout, s.Lifetime = Idle, Absolute
	s.Cookie.Name, s.Cookie.HttpOnly, s.Cookie.SameSite = "hongyan", true, http.SameSiteLaxMode
	s.Cookie.Path, s.Cookie.Persist = "/", false
	if o.Secure {
		s.Cookie.Name, s.Cookie.Secure = "__Host-hongyan", true
	}
	return g
}

// broken answers when a session cannot be read or kept.
func broken(w http.ResponseWriter, _ *http.Request, _ error) {
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

// Close ends all sessions.
func (g *Guard) Close() {
	all, _ := g.memory.All() // it cannot fail
	for token := range all {
		_ = g.memory.Delete(token)
	}
}

// Sessions puts the session of a browser behind its request. It stands around
// all pages.
func (g *Guard) Sessions(next http.Handler) http.Handler { return g.sessions.LoadAndSave(next) }

// Glance does the same for what a page asks by itself now and then: it shows no
// sign of a person, so the session grows no older by it and no younger.
func (g *Guard) Glance(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie := ""
		if c, err := r.Cookie(g.sessions.Cookie.Name); err == nil {
			cookie = c.Value
		}
		ctx, err := g.sessions.Load(r.Context(), cookie)
		if err != nil {
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
			return
		}
		g.Pages(next).ServeHTTP(w, r.WithContext(ctx))
	})
}

// Pages lets a person pass, sends whoever wants to see a page to the login, and
// tells programs that they may not.
func (g *Guard) Pages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ok, err := g.person(r)
		switch {
		case err != nil:
			http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		case ok:
			next.ServeHTTP(w, with(r, p))
		case r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html"):
			http.Redirect(w, r, "/login", http.StatusSeeOther)
		default:
			http.Error(w, http.StatusText(http.StatusUnauthorized), http.StatusUnauthorized)
		}
	})
}

// person is whoever a session names that began with the password as it is now;
// without a password it is the user of this machine, if nobody else can come.
func (g *Guard) person(r *http.Request) (Person, bool, error) {
	ctx := r.Context()
	hash, err := g.options.Shelf.Paper(ctx, doorShelf, password)
	if err != nil {
		return Person{}, false, err
	}
	if hash == nil {
		return Person{g.options.Self, true}, !g.options.Beyond, nil
	}
	name, key := g.sessions.GetString(ctx, "name"), g.sessions.GetString(ctx, "key")
	return Person{name, true}, key == fingerprint(string(hash)), nil
}

// API lets a program pass that shows a token good for what it asks: reading for
// GET and HEAD, acting for all else. A browser's session is of no use here, so
// that no other site can borrow it; refuse answers in the API's own form.
func (g *Guard) API(next http.Handler, refuse func(w http.ResponseWriter, r *http.Request, status int)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t, ok, err := holder(r.Context(), g.options.Shelf, bearer(r.Header.Get("Authorization")))
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case err != nil:
			refuse(w, r, http.StatusInternalServerError)
		case !ok:
			w.Header().Set("WWW-Authenticate", `Bearer realm="hongyan"`)
			refuse(w, r, http.StatusUnauthorized)
		case !reads && t.Role != Act:
			refuse(w, r, http.StatusForbidden)
		default:
			next.ServeHTTP(w, with(r, Person{"token " + t.Name, t.Role == Act}))
		}
	})
}

// A Result is how a login went.
type Result int

// The results.
const (
	Wrong Result = iota
	Welcome
	TooMany // tries: later again
	Unset   // there is no password to know
)

// Login lets a browser in that knows the password, under a new session.
func (g *Guard) Login(r *http.Request, name, plain string) (Result, error) {
	if !g.doors.open(r.RemoteAddr) {
		return TooMany, nil
	}
	ctx := r.Context()
	hash, err := g.options.Shelf.Paper(ctx, doorShelf, password)
	if err != nil {
		return Wrong, err
	}
	if hash == nil {
		return Unset, nil
	}
	right, err := g.scale.weigh(ctx, plain, string(hash))
	if err != nil || !right {
		return Wrong, err
	}
	g.doors.forget(r.RemoteAddr)
	if err := g.sessions.RenewToken(ctx); err != nil { // whoever knew the old one knows nothing now
		return Wrong, err
	}
	g.sessions.Put(ctx, "name", name)
	g.sessions.Put(ctx, "key", fingerprint(string(hash)))
	return Welcome, nil
}

// Logout ends the session, also for whoever has copied its cookie.
func (g *Guard) Logout(ctx context.Context) error { return g.sessions.Destroy(ctx) }

// Locked reports whether there is a password, hence something to log out of.
func (g *Guard) Locked(ctx context.Context) (bool, error) { return HasPassword(ctx, g.options.Shelf) }

// Of one machine five tries at once and then one in twelve seconds; of all
// together, four times that.
const (
	burst = 5
	pause = 12 * time.Second
	most  = 4096 // machines that are remembered
)

// doors count tries by machine.
type doors struct {
	mu  sync.Mutex
	all *rate.Limiter
	of  map[string]*rate.Limiter
}

func (d *doors) open(address string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil || len(d.of) > most {
		d.all, d.of = rate.NewLimiter(rate.Every(pause/4), 4*burst), map[string]*rate.Limiter{}
	}
	host := machine(address)
	if d.of[host] == nil {
		d.of[host] = rate.NewLimiter(rate.Every(pause), burst)
	}
	return d.of[host].Allow() && d.all.Allow()
}

// forget lets a machine that knew the password try anew.
func (d *doors) forget(address string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.of, machine(address))
}

// machine is the address of a host; of IPv6 the network, since a host has many.
func machine(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String()
	}
	return strings.ToLower(host)
}
