package sender_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hongyan/internal/reply"
	"hongyan/internal/sandbox"
	"hongyan/internal/sender"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	user = "you@qq.com"
	code = "abcdefghijklmnop"
)

// letter is a mail to one address.
type letter struct{ to string }

func (l *letter) Envelope() (from, to string) { return user, l.to }
func (l *letter) Size() int64                 { return int64(len(l.Wire()[0])) }
func (l *letter) Wire() [][]byte {
	return [][]byte{fmt.Appendf(nil, "From: %s\r\nTo: %s\r\nMessage-ID: <%s>\r\n\r\n..dot\r\nhello\r\n", user, l.to, l.to)}
}

// start runs a sandbox until the test is over.
func start(t *testing.T, o sandbox.Options) *sandbox.Server {
	t.Helper()
	s, err := sandbox.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

func qq() sandbox.Options {
	return sandbox.Options{Profile: "qq", Username: user, Password: code}
}

func secret(s string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return s, nil }
}

// account fits the sandbox as its own account fits a provider.
func account(s *sandbox.Server) sender.Account {
	host, port, _ := net.SplitHostPort(s.Addr())
	n, _ := strconv.Atoi(port)
	return sender.Account{
		Name: "qq", Host: host, Port: n, Roots: s.Roots(), Username: user, Password: secret(code), Frame: true,
		Retry: sender.Retry{Tries: 3, Base: time.Millisecond},
	}
}

func open(t *testing.T, a sender.Account) *sender.Session {
	t.Helper()
	x := sender.New(a).Open(t.Context())
	t.Cleanup(func() { x.Close() })
	return x
}

// send offers and delivers mails one after the other, as a lane does with
// pipelining: each is told of the next. It returns what became of each.
func send(t *testing.T, x *sender.Session, to ...string) (outcome []string) {
	t.Helper()
	letters := make([]*letter, len(to))
	for i := range to {
		letters[i] = &letter{to[i] + "@example.com"}
	}
	for i, l := range letters {
		outcome = append(outcome, word(one(t, x, l, letters[i+1:])))
	}
	return outcome
}

func one(t *testing.T, x *sender.Session, l *letter, rest []*letter) (reply.Answer, error) {
	t.Helper()
	if err := x.Offer(t.Context(), l); err != nil {
		return reply.Answer{}, err
	}
	if len(rest) > 0 {
		return x.Deliver(t.Context(), rest[0])
	}
	return x.Deliver(t.Context(), nil)
}

// word is an outcome in one word: "250", "550 dot", "lost data", "doubt", or
// the error.
func word(a reply.Answer, err error) string {
	switch e := err.(type) {
	case nil:
		return strconv.Itoa(a.Code)
	case *reply.Refusal:
		return fmt.Sprintf("%d %s", e.Code, e.Stage)
	case *reply.Lost:
		return "lost " + string(e.Stage)
	case *reply.Doubt:
		return "doubt"
	case *sender.Unsafe:
		return string(e.Reason)
	}
	return err.Error()
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// takenBy are the recipients in the order they were accepted.
func takenBy(s *sandbox.Server) (to []string) {
	for _, m := range s.Mails() {
		local, _, _ := strings.Cut(m.To[0], "@")
		to = append(to, local)
	}
	return to
}

func TestOneConnectionCarriesManyMailsThroughTheFrameOfQQ(t *testing.T) {
	t.Parallel()
	s := start(t, qq())
	x := open(t, account(s))
	same(t, send(t, x, "li", "nobody", "wang", "content", "zhao"), "250", "550 dot", "250", "550 dot", "250")
	same(t, takenBy(s), "li", "wang", "zhao")
	if s.Connections() != 1 {
		t.Errorf("%d connections", s.Connections())
	}
	body := string(s.Mails()[0].Data)
	if !strings.HasSuffix(body, "\r\n\r\n.dot\r\nhello\r\n") {
		t.Errorf("the mail arrived as %q", body)
	}
}

func TestEveryModeOfTLSDelivers(t *testing.T) {
	t.Parallel()
	for _, mode := range []sandbox.Mode{sandbox.Implicit, sandbox.StartTLS, sandbox.Plain} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			o := qq()
			o.TLS = mode
			s := start(t, o)
			a := account(s)
			a.TLS = sender.Mode(mode)
			if mode == sandbox.Plain {
				a.Username = ""
			}
			same(t, send(t, open(t, a), "li", "wang"), "250", "250")
			if got := s.Mails()[0].Login; got != a.Username {
				t.Errorf("logged in as %q", got)
			}
		})
	}
}

func TestAConnectionIsRenewedAfterSoManyMails(t *testing.T) {
	t.Parallel()
	for _, pipelining := range []bool{false, true} {
		t.Run(fmt.Sprint("pipelining ", pipelining), func(t *testing.T) {
			t.Parallel()
			s := start(t, sandbox.Options{Username: user, Password: code})
			a := account(s)
			a.PerConnection, a.Frame, a.Pipelining = 2, false, pipelining
			same(t, send(t, open(t, a), "a", "b", "c", "d", "e"), "250", "250", "250", "250", "250")
			var conns []int
			for _, m := range s.Mails() {
				conns = append(conns, m.Connection)
			}
			if !slices.Equal(conns, []int{1, 1, 2, 2, 3}) {
				t.Errorf("connections %v", conns)
			}
		})
	}
}

func TestAnIdleConnectionIsRenewed(t *testing.T) {
	t.Parallel()
	s := start(t, qq())
	a := account(s)
	a.Idle = time.Nanosecond
	same(t, send(t, open(t, a), "a", "b"), "250", "250")
	if s.Connections() != 2 {
		t.Errorf("%d connections", s.Connections())
	}
}

func TestTheNextMailTakesANewConnectionWhenAskedTo(t *testing.T) {
	t.Parallel()
	s := start(t, qq())
	x := open(t, account(s))
	send(t, x, "a")
	x.Close()
	same(t, send(t, x, "b"), "250")
	if s.Connections() != 2 {
		t.Errorf("%d connections", s.Connections())
	}
}

func TestAConnectionThatDiedBetweenMailsIsReplacedInSilence(t *testing.T) {
	t.Parallel()
	for _, cut := range []sandbox.Cut{sandbox.Close, sandbox.Drop, sandbox.Reset} {
		for _, pipelining := range []bool{false, true} {
			t.Run(fmt.Sprint(cut, " pipelining ", pipelining), func(t *testing.T) {
				t.Parallel()
				o := sandbox.Options{Username: user, Password: code, Hook: at(sandbox.AtTaken, 1, sandbox.Action{Cut: cut})}
				s := start(t, o)
				a := account(s)
				a.Frame, a.Pipelining = false, pipelining
				same(t, send(t, open(t, a), "a", "b", "c"), "250", "250", "250")
				same(t, takenBy(s), "a", "b", "c")
				if s.Connections() != 2 {
					t.Errorf("%d connections", s.Connections())
				}
			})
		}
	}
}

// at steps in at the n-th time of one stage.
func at(stage sandbox.Stage, nth int, a sandbox.Action) func(sandbox.Stage, int) sandbox.Action {
	return func(s sandbox.Stage, n int) sandbox.Action {
		if s == stage && n == nth {
			return a
		}
		return sandbox.Action{}
	}
}

func TestAGoodbyeBeforeTheMailIsNotTheMailsFault(t *testing.T) {
	t.Parallel()
	o := qq()
	o.Hook = at(sandbox.AtMail, 2, sandbox.Action{Reply: "421 idle for too long", Cut: sandbox.Close})
	s := start(t, o)
	same(t, send(t, open(t, account(s)), "a", "b"), "250", "250")
	same(t, takenBy(s), "a", "b")
}

func TestAGoodbyeOnANewConnectionIsTold(t *testing.T) {
	t.Parallel()
	o := qq()
	o.Hook = func(stage sandbox.Stage, n int) sandbox.Action {
		if stage == sandbox.AtMail && n >= 2 {
			return sandbox.Action{Reply: "421 not now", Cut: sandbox.Close}
		}
		return sandbox.Action{}
	}
	s := start(t, o)
	same(t, send(t, open(t, account(s)), "a", "b"), "250", "421 mail")
	if s.Connections() != 2 {
		t.Errorf("%d connections", s.Connections())
	}
}

func TestWhatTheWireLeavesOpenIsToldApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		to, want string
		taken    []string
	}{
		{"drop-before-dot", "lost data", []string{"li"}},
		{"drop-at-dot", "doubt", []string{"li"}},
		{"drop-after-dot", "doubt", []string{"drop-after-dot", "li"}},
		{"garbage", "doubt", []string{"garbage", "li"}},
		{"reset-after-dot", "250", []string{"reset-after-dot", "li"}},
		{"421", "421 rcpt", []string{"li"}},
	} {
		t.Run(c.to, func(t *testing.T) {
			t.Parallel()
			s := start(t, qq())
			same(t, send(t, open(t, account(s)), c.to, "li"), c.want, "250")
			same(t, takenBy(s), c.taken...)
			if s.Connections() != 2 {
				t.Errorf("%d connections", s.Connections())
			}
		})
	}
}

func TestAWrongCodeIsToldAtOnceAndNeverTriedAgain(t *testing.T) {
	t.Parallel()
	s := start(t, qq())
	a := account(s)
	a.Password = secret("wrong")
	x := open(t, a)
	err := x.Offer(t.Context(), &letter{"li@example.com"})
	r, ok := errors.AsType[*reply.Refusal](err)
	if !ok || r.Stage != reply.AtAuth || r.Code != 535 || !strings.HasPrefix(r.Text, "Login fail. Account is abnormal") {
		t.Errorf("got %v", err)
	}
	if s.Connections() != 1 {
		t.Errorf("%d connections", s.Connections())
	}
}

func TestALinkLostDuringTheLoginIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	o := qq()
	o.Hook = at(sandbox.AtAuth, 1, sandbox.Action{Mute: true, Cut: sandbox.Drop})
	s := start(t, o)
	same(t, send(t, open(t, account(s)), "li"), "lost auth")
	if s.Connections() != 1 {
		t.Errorf("%d connections", s.Connections())
	}
}

func TestAServerThatHangsUpAtFirstIsTriedAgain(t *testing.T) {
	t.Parallel()
	for _, stage := range []sandbox.Stage{sandbox.AtConnect, sandbox.AtGreeting, sandbox.AtEhlo} {
		t.Run(string(stage), func(t *testing.T) {
			t.Parallel()
			o := qq()
			o.Hook = at(stage, 1, sandbox.Action{Mute: true, Cut: sandbox.Drop})
			s := start(t, o)
			same(t, send(t, open(t, account(s)), "li"), "250")
			if s.Connections() != 2 {
				t.Errorf("%d connections", s.Connections())
			}
		})
	}
}

func TestAServerThatRefusesToGreetIsToldAtOnce(t *testing.T) {
	t.Parallel()
	o := qq()
	o.Hook = at(sandbox.AtGreeting, 1, sandbox.Action{Reply: "421 HL:ICC too many connections", Cut: sandbox.Close})
	s := start(t, o)
	same(t, send(t, open(t, account(s)), "li"), "421 greeting")
	if s.Connections() != 1 {
		t.Errorf("%d connections", s.Connections())
	}
}

func TestAServerThatIsNotThereIsGivenUpInTheEnd(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	a := sender.Account{Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, Retry: sender.Retry{Tries: 3, Base: time.Microsecond}}
	same(t, send(t, open(t, a), "li"), "lost connect")
}

func TestWaitingForAServerEndsWithTheContext(t *testing.T) {
	t.Parallel()
	o := qq()
	ctx, cancel := context.WithCancel(t.Context())
	o.Hook = func(stage sandbox.Stage, n int) sandbox.Action {
		if stage == sandbox.AtConnect {
			cancel()
		}
		return sandbox.Action{Cut: sandbox.Drop}
	}
	a := account(start(t, o))
	a.Retry = sender.Retry{Tries: 100, Base: time.Hour, Cap: time.Hour}
	err := open(t, a).Offer(ctx, &letter{"li@example.com"})
	if _, ok := errors.AsType[*reply.Lost](err); !ok {
		t.Errorf("got %v", err)
	}
}

func TestThePasswordIsAskedForAtEachLogin(t *testing.T) {
	t.Parallel()
	s := start(t, qq())
	a := account(s)
	asked := 0
	a.PerConnection = 1
	a.Password = func(context.Context) (string, error) { asked++; return code, nil }
	same(t, send(t, open(t, a), "a", "b", "c"), "250", "250", "250")
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}

func TestAPasswordThatCannotBeReadIsABreakdown(t *testing.T) {
	t.Parallel()
	s := start(t, qq())
	a := account(s)
	a.Password = func(context.Context) (string, error) { return "", os.ErrNotExist }
	err := open(t, a).Offer(t.Context(), &letter{"li@example.com"})
	if !errors.Is(err, os.ErrNotExist) || s.Connections() != 1 {
		t.Errorf("%d connections, %v", s.Connections(), err)
	}
}

func TestSessionsOfOneAccountShareNothingButTheSender(t *testing.T) {
	t.Parallel()
	s := start(t, qq())
	all := sender.New(account(s))
	var lanes sync.WaitGroup
	for i := range 8 {
		lanes.Go(func() {
			x := all.Open(t.Context())
			defer x.Close()
			for j := range 10 {
				if got := word(one(t, x, &letter{fmt.Sprintf("c%d-%d@example.com", i, j)}, nil)); got != "250" {
					t.Error(got)
				}
			}
		})
	}
	lanes.Wait()
	if s.Taken() != 80 || s.Connections() != 8 {
		t.Errorf("taken %d over %d connections", s.Taken(), s.Connections())
	}
}

func TestOurNameTellsNothingAndTheTraceNoSecret(t *testing.T) {
	t.Parallel()
	var trace bytes.Buffer
	a := account(start(t, qq()))
	a.Trace = &trace
	x := open(t, a)
	same(t, send(t, x, "li"), "250")
	x.Close()
	if host, _ := os.Hostname(); !strings.Contains(trace.String(), "EHLO [127.0.0.1]") || strings.Contains(trace.String(), host) {
		t.Errorf("trace:\n%s", &trace)
	}
	for _, form := range []string{code, "YWJjZGVmZ2hpamtsbW5vcA==", "AHlvdUBxcS5jb20AYWJjZGVmZ2hpamtsbW5vcA=="} {
		if strings.Contains(trace.String(), form) {
			t.Errorf("the trace shows %q:\n%s", form, &trace)
		}
	}
}

func TestAProbeTellsWhoAnsweredAndSendsNothing(t *testing.T) {
	t.Parallel()
	s := start(t, qq())
	p, err := sender.New(account(s)).Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p.Remote != s.Addr() || p.TLS != "TLS 1.3" || p.Cipher == "" || p.Subject != "CN=hongyan sandbox" ||
		!slices.Equal(p.Names, []string{"localhost"}) || time.Until(p.Expires) < 24*time.Hour || !p.LoggedIn {
		t.Errorf("%+v", p)
	}
	if p.Extensions["SIZE"] != "73400320" || s.Taken() != 0 {
		t.Errorf("announced %v, taken %d", p.Extensions, s.Taken())
	}
}

func TestAProbeThatFailsTellsHowFarItCame(t *testing.T) {
	t.Parallel()
	s := start(t, qq())
	a := account(s)
	a.Password = secret("wrong")
	p, err := sender.New(a).Probe(t.Context())
	if got := word(reply.Answer{}, err); got != "535 auth" {
		t.Errorf("got %v", err)
	}
	if p.LoggedIn || p.TLS == "" || p.Extensions["AUTH"] == "" {
		t.Errorf("%+v", p)
	}
}

func TestAMailRidesOnlyWhereItWillBeDelivered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		pipelining bool
		most       int
		want       bool
	}{{"allowed", true, 0, true}, {"forbidden by the account", false, 0, false}, {"last of its connection", true, 1, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := account(start(t, sandbox.Options{Username: user, Password: code}))
			a.Frame, a.Pipelining, a.PerConnection = false, c.pipelining, c.most
			x := open(t, a)
			first, next := &letter{"a@example.com"}, &letter{"b@example.com"}
			if x.Pipelines() || x.Riding() {
				t.Error("nothing is connected yet")
			}
			if err := x.Offer(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			may := x.Pipelines()
			if _, err := x.Deliver(t.Context(), next); err != nil {
				t.Fatal(err)
			}
			if may != c.want || x.Riding() != c.want {
				t.Errorf("may ride: %v, rides: %v, want %v", may, x.Riding(), c.want)
			}
		})
	}
}

// Each stage of each mail is timed, those of the link once a link.
func TestStagesAreTimed(t *testing.T) {
	for _, pipelining := range []bool{false, true} {
		s := start(t, sandbox.Options{Username: user, Password: code})
		a := account(s)
		a.Pipelining = pipelining
		times := map[reply.Stage]int{}
		a.Watch = func(stage reply.Stage, took time.Duration) {
			if took < 0 || took > time.Minute {
				t.Errorf("%s took %v", stage, took)
			}
			times[stage]++
		}
		same(t, send(t, open(t, a), "a", "b", "c"), "250", "250", "250")
		for stage, n := range map[reply.Stage]int{
			reply.AtConnect: 1, reply.AtStartTLS: 1, reply.AtGreeting: 1, reply.AtAuth: 1,
			reply.AtMail: 3, reply.AtRcpt: 3, reply.AtData: 3, reply.AtDot: 3,
		} {
			if times[stage] != n {
				t.Errorf("pipelining %t: %s was timed %d times, want %d", pipelining, stage, times[stage], n)
			}
		}
	}
}

// TestNoConnectionIsMadeForAnAccountThatIsLost: neither a first one nor one in the
// place of one that died.
func TestNoConnectionIsMadeForAnAccountThatIsLost(t *testing.T) {
	t.Parallel()
	lost := errors.New("another worker has the account")
	var may error
	a := account(start(t, qq()))
	a.May = func() error { return may }
	x := open(t, a)
	if err := x.Offer(t.Context(), &letter{"1@example.com"}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Deliver(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	may = lost
	x.Close()
	if err := x.Offer(t.Context(), &letter{"2@example.com"}); !errors.Is(err, lost) {
		t.Errorf("in the place of another: %v", err)
	}
	if err := open(t, a).Offer(t.Context(), &letter{"3@example.com"}); !errors.Is(err, lost) {
		t.Errorf("a first one: %v", err)
	}
}
