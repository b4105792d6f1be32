package web_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/web"
	"hongyan/internal/web/login"
	"hongyan/internal/web/webtest"
)

// A line is a listener that one client calls, by a connection without buffers.
type line struct{ calls chan net.Conn }

func (l line) Accept() (net.Conn, error) {
	conn, ok := <-l.calls
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (l line) Close() error   { close(l.calls); return nil }
func (l line) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// much is a ledger with an issue and suppressions that fill hundreds of kilobytes.
func much(t *testing.T) *ledgertest.Memory {
	t.Helper()
	store, k := ledgertest.NewMemory(), ledger.Key{Campaign: "weekly", Issue: "main"}
	if _, err := store.Plan(t.Context(), k, ledger.Plan{At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	rows := func(yield func(ledger.Row, error) bool) {
		for i := range 3000 {
			if !yield(ledger.Row{Line: i + 2, Address: fmt.Sprintf("reader%05d@example.com", i)}, nil) {
				return
			}
		}
	}
	if _, err := store.Enqueue(t.Context(), k, rows); err != nil {
		t.Fatal(err)
	}
	var gone []ledger.Suppression
	for i := range 3000 {
		gone = append(gone, ledger.Suppression{Address: fmt.Sprintf("gone%05d@example.com", i), Source: ledger.Manual, By: "wang", Reason: "asked by phone", At: time.Now()})
	}
	if _, err := store.Suppress(t.Context(), gone...); err != nil {
		t.Fatal(err)
	}
	return store
}

func TestADownloadLastsAsLongAsItsReaderGoesOn(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/suppressions.csv", "/issues/weekly/main/report/csv"} {
		synctest.Test(t, func(t *testing.T) {
			guard := login.New(login.Options{Shelf: ledgertest.NewMemory(), Self: "wang"})
			defer guard.Close()
			server, err := web.New(web.Options{Books: much(t), Desk: new(webtest.Office), Guard: guard, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			here, there := net.Pipe()
			l, done := line{make(chan net.Conn, 1)}, make(chan error, 1)
			l.calls <- there
			go func() { done <- web.Serve(ctx, l, server.Handler(), slog.New(slog.DiscardHandler)) }()
			began := time.Now()
			if rows := sip(t, here, path); rows != 3001 || time.Since(began) < 2*time.Minute {
				t.Errorf("%s: %d rows in %s", path, rows, time.Since(began))
			}
			_ = here.Close()
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

// sip reads a file by a kilobyte a second and returns how many lines it has.
func sip(t *testing.T, conn net.Conn, path string) (rows int) {
	t.Helper()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer, err)
	}
	defer answer.Body.Close()
	for piece := make([]byte, 1<<10); ; {
		n, err := io.ReadFull(answer.Body, piece)
		rows += strings.Count(string(piece[:n]), "\n")
		if err != nil {
			return rows
		}
		time.Sleep(time.Second)
	}
}
