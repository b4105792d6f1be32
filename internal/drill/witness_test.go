package drill_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// A witness is a mail server that writes each mail down, durably, before it
// says 250: what is on its record was taken, and what is not was not. It knows
// nothing of hongyan and shares no code with it.
type witness struct {
	listener net.Listener
	served   sync.WaitGroup

	mu         sync.Mutex
	record     *os.File // of the present page
	pipelining bool
	patience   time.Duration // with a client that says nothing; 0: no end
	open, most int
	at         []arrival
	idle       *sync.Cond // open became 0
	next       chan struct{}
}

// An arrival is when a mail was there with its dot, and since when its connection
// was open.
type arrival struct{ mail, conn time.Time }

// times are when mails arrived, in order.
func (w *witness) times() (out []time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.at {
		out = append(out, a.mail)
	}
	slices.SortFunc(out, time.Time.Compare)
	return out
}

// firstBy is how long after a moment the first mail arrived over a connection that
// was opened after it.
func (w *witness) firstBy(moment time.Time) (time.Duration, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.at {
		if a.conn.After(moment) {
			return a.mail.Sub(moment), true
		}
	}
	return 0, false
}

// fullest is how many of the times, in order, fall into one window at most.
func fullest(at []time.Time, per time.Duration) (most int) {
	first := 0
	for i := range at {
		for at[i].Sub(at[first]) >= per {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// TestTheFullestWindowIsFound shows that the drills see a limit that was passed.
func TestTheFullestWindowIsFound(t *testing.T) {
	t.Parallel()
	var at []time.Time
	for _, ms := range []int{0, 400, 999, 1000, 1001, 1998, 5000} {
		at = append(at, time.UnixMilli(int64(ms)))
	}
	for per, want := range map[time.Duration]int{time.Millisecond: 1, time.Second: 4, time.Minute: 7} {
		if got := fullest(at, per); got != want {
			t.Errorf("within %s: %d, want %d", per, got, want)
		}
	}
}

func newWitness(t *testing.T) *witness {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{listener: listener, next: make(chan struct{})}
	w.idle = sync.NewCond(&w.mu)
	w.turn(t, false)
	w.served.Go(w.accept)
	t.Cleanup(func() {
		listener.Close()
		w.served.Wait()
		w.record.Close()
	})
	return w
}

func (w *witness) port() string {
	_, port, _ := net.SplitHostPort(w.listener.Addr().String())
	return port
}

// turn begins a new page of the record; the server must be quiet.
func (w *witness) turn(t *testing.T, pipelining bool) {
	t.Helper()
	page, err := os.OpenFile(filepath.Join(t.TempDir(), "record"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.record != nil {
		w.record.Close()
	}
	w.record, w.pipelining = page, pipelining
}

// taken reads the present page: the Message-IDs of the mails taken, by recipient.
func (w *witness) taken() (map[string][]string, error) {
	data, err := os.ReadFile(w.record.Name())
	taken := map[string][]string{}
	for line := range strings.Lines(string(data)) {
		to, id, whole := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if !whole {
			return nil, fmt.Errorf("a line of the record is torn: %q", line)
		}
		taken[to] = append(taken[to], id)
	}
	return taken, err
}

// firstMail is closed when the next mail has been taken.
func (w *witness) firstMail() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.next
}

// quiet waits until all connections have ended: a dead client's last words may
// still be on their way.
func (w *witness) quiet() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.open > 0 {
		w.idle.Wait()
	}
}

func (w *witness) accept() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.count(1)
		w.served.Go(func() {
			defer w.count(-1)
			defer conn.Close()
			w.serve(conn)
		})
	}
}

func (w *witness) count(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.most = max(w.most, w.open+n)
	if w.open += n; w.open == 0 {
		w.idle.Broadcast()
	}
}

// serve speaks just enough SMTP. Answers leave when the client has nothing more
// to say, which is all that pipelining asks of a server (RFC 2920 §3.2).
func (w *witness) serve(conn net.Conn) {
	in, out := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriter(conn)
	since := time.Now()
	fmt.Fprint(out, "220 witness\r\n")
	var to string
	for {
		if in.Buffered() == 0 && out.Flush() != nil {
			return
		}
		if w.patience > 0 && conn.SetReadDeadline(time.Now().Add(w.patience)) != nil {
			return
		}
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			fmt.Fprint(out, w.hello())
		case "RCPT":
			to = rest[strings.IndexByte(rest, '<')+1 : strings.IndexByte(rest, '>')]
			fmt.Fprint(out, "250 ok\r\n")
		case "DATA":
			fmt.Fprint(out, "354 go on\r\n")
			if out.Flush() != nil || w.take(in, to, since) != nil {
				return
			}
			fmt.Fprint(out, "250 written down\r\n")
		case "QUIT":
			fmt.Fprint(out, "221 bye\r\n")
			out.Flush()
			return
		default:
			fmt.Fprint(out, "250 ok\r\n")
		}
	}
}

func (w *witness) hello() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.pipelining {
		return "250-witness\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
	}
	return "250-witness\r\n250 8BITMIME\r\n"
}

// take reads a body and, if it came whole, writes the mail down. One write a
// line, synced before anybody hears of it.
func (w *witness) take(in *bufio.Reader, to string, since time.Time) error {
	id := ""
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		if line == ".\r\n" {
			break
		}
		if value, ok := strings.CutPrefix(strings.ToLower(line), "message-id:"); ok && id == "" {
			id = strings.Trim(line[len(line)-len(value):], " <>\r\n")
		}
	}
	there := time.Now()
	_, err := fmt.Fprintf(w.record, "%s\t%s\n", to, id)
	if err = errors.Join(err, w.record.Sync()); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = append(w.at, arrival{there, since})
	close(w.next)
	w.next = make(chan struct{})
	return nil
}

// TestTheWitnessTakesWholeMailsOnly keeps the witness honest: a body without
// its dot is not on the record, one with its dot is, once.
func TestTheWitnessTakesWholeMailsOnly(t *testing.T) {
	t.Parallel()
	w := newWitness(t)
	for _, body := range []string{"half a mail\r\n", "Message-ID: <1@x>\r\n\r\na whole mail\r\n.\r\n"} {
		conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", w.listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<li@x>\r\nDATA\r\n%s", body)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, conn)
		conn.Close()
	}
	w.quiet()
	taken, err := w.taken()
	if err != nil || len(taken) != 1 || len(taken["li@x"]) != 1 || taken["li@x"][0] != "1@x" {
		t.Fatalf("%v, %v", taken, err)
	}
}
