package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres/postgrestest"
	"hongyan/internal/metrics"
)

// A scribe may be read while somebody writes.
type scribe struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *scribe) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(p)
}

func (s *scribe) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}

// beside is another process over the same configuration, and what it says.
func beside(d desk) (*door, *scribe) {
	other, said := newDoor(nil), &scribe{}
	other.out, other.err, other.log = said, said, slog.New(slog.DiscardHandler)
	other.flags.config = d.door.flags.config
	return other, said
}

// asked is the answer at a worker's door, and whether it is well.
func asked(t *testing.T, url string) (string, bool) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body), response.StatusCode == http.StatusOK
}

// TestTheQueueAndItsWorkersAreTold follows an issue that nobody works on, and then
// a worker.
func TestTheQueueAndItsWorkersAreTold(t *testing.T) {
	t.Parallel()
	place := postgrestest.Start(t, false).Place(t)
	files := letterFiles(5)
	files["config.yaml"] = "account: sandbox\naccounts:\n  sandbox: {provider: sandbox, address: demo@qq.com, limits: {per_day: 2}}\nstate: \"" + place + "\"\n"
	d := served(t, files)
	k := ledger.Key{Campaign: "news", Issue: "main"}
	if err := d.Start(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	status := func() string {
		other, said := beside(d)
		if err := other.status(t.Context()); err != nil {
			t.Fatal(err)
		}
		return said.String()
	}
	for _, want := range []string{"queue: news/main: 5 for any of its accounts, the first since ", "no worker is there"} {
		if got := status(); !strings.Contains(got, want) {
			t.Errorf("status does not say %q:\n%s", want, got)
		}
	}

	hired, said := beside(d)
	done := make(chan error, 1)
	go func() { done <- hired.work(t.Context(), workerOptions{lanes: 2, listen: "127.0.0.1:0"}) }()
	at := ""
	eventually(t, "at a door", func() bool {
		at = regexp.MustCompile(`http://[0-9.:]+/`).FindString(said.String())
		return at != ""
	})
	eventually(t, "ready", func() bool { _, ok := asked(t, at+"readyz"); return ok })
	eventually(t, "at the day's limit", func() bool { return d.sent(t, k) == 2 })
	eventually(t, "told by the worker", func() bool {
		told, _ := asked(t, at+"metrics")
		return strings.Contains(told, "hongyan_workers 1\n") && strings.Contains(told, `hongyan_account_leases{account="sandbox"} 0`+"\n") &&
			strings.Contains(told, `hongyan_queue_due_mails{account="*",campaign="news"} 3`+"\n") &&
			strings.Contains(told, `hongyan_mails_total{account="sandbox",class="none",state="sent"} 2`+"\n")
	})
	if got := status(); !strings.Contains(got, "queue: news/main: 3 for any") || strings.Contains(got, "no worker is there") {
		t.Errorf("status beside a worker:\n%s", got)
	}

	close(hired.interrupted)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := d.Pause(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	if got := status(); !strings.Contains(got, "queue: news/main: 3, paused\n") {
		t.Errorf("status of a paused issue:\n%s", got)
	}
}

// A worker that hears nothing of its ledger lives; one that looks for nothing any
// more does not, unless it is to end.
func TestAWorkersPulse(t *testing.T) {
	t.Parallel()
	d := newDoor(nil)
	d.metrics = metrics.New("v1")
	w := &worker{house: d.housed(nil, nil)}
	ago := func(d time.Duration) int64 { return time.Now().Add(-d).UnixMilli() }
	for _, c := range []struct {
		looked, heard time.Duration
		ending        bool
		live, ready   bool
	}{
		{looked: 2 * time.Second, heard: 3 * time.Second, live: true, ready: true},
		{looked: 2 * time.Second, heard: 20 * time.Second, live: true},
		{looked: 2 * time.Minute, heard: 2 * time.Minute},
		{looked: 2 * time.Minute, heard: 3 * time.Second, ending: true, live: true},
	} {
		var p pulse
		p.looked.Store(ago(c.looked))
		p.heard.Store(ago(c.heard))
		if c.ending {
			close(d.interrupted)
		}
		for path, want := range map[string]bool{"/livez": c.live, "/readyz": c.ready} {
			rw := httptest.NewRecorder()
			w.attendance(&p).ServeHTTP(rw, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			if got := rw.Code == http.StatusOK; got != want {
				t.Errorf("%+v: %s says %d", c, path, rw.Code)
			}
		}
	}
}
