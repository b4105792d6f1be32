package trace_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"go.uber.org/goleak"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"

	"hongyan/internal/ledger"
	"hongyan/internal/run"
	"hongyan/internal/trace"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A collector keeps every span that comes by OTLP over HTTP.
type collector struct {
	*httptest.Server
	mu       sync.Mutex
	spans    []*spans.Span
	services map[string]bool
}

func collect(t *testing.T) *collector {
	t.Helper()
	c := &collector{services: map[string]bool{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var in v1.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &in) != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range in.ResourceSpans {
			for _, a := range resource.Resource.Attributes {
				c.services[a.Key+"="+a.Value.GetStringValue()] = true
			}
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

// told runs a tracer over the events and returns how many tries it dropped.
func told(t *testing.T, endpoint string, sample rate.Limit, events ...run.Event) (dropped int64) {
	t.Helper()
	var lost atomic.Int64
	tracer, err := trace.New(t.Context(), trace.Options{
		Endpoint: endpoint, Sample: sample, Version: "v1.2.3", IDs: trace.NewIDs([]byte("key")),
		Dropped: func(n int) { lost.Add(int64(n)) }, Failed: func(err error) { t.Log(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		tracer.Watch(e)
	}
	over, stop := context.WithCancel(t.Context())
	stop()
	tracer.Run(over)
	return lost.Load()
}

var began = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

func after(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }

func entry(line int, address string) ledger.Entry {
	return ledger.Entry{Key: ledger.Key{Campaign: "weekly", Issue: "12"}, Line: line, Address: address}
}

// sent is a mail that had a good way.
func sent(line int, address string) *run.Settled {
	return &run.Settled{
		Entry:   entry(line, address),
		Outcome: ledger.Outcome{State: ledger.Sent, Account: "qq", Stage: "dot", Code: 250, At: after(90), Bytes: 777},
		Steps: run.Steps{
			Claimed: after(0), Composed: after(1), Turn: after(31), Offer: after(32), Offered: after(50), Begun: after(52), Settled: after(95),
		},
	}
}

// refused is a mail that was refused at RCPT.
func refused(line int, address string) *run.Settled {
	return &run.Settled{
		Entry: entry(line, address),
		Outcome: ledger.Outcome{
			State: ledger.Refused, Account: "qq", Stage: "rcpt", Code: 550, Enhanced: "5.1.1", Class: "mailbox", Rule: "no-such-user",
			Reply: "no such user " + address, At: after(60),
		},
		Steps: run.Steps{Claimed: after(0), Composed: after(1), Turn: after(31), Offer: after(32), Settled: after(65)},
	}
}

// tree is the spans of a recipient's trace, by name.
func (c *collector) tree(t *testing.T, e ledger.Entry) map[string]*spans.Span {
	t.Helper()
	out := map[string]*spans.Span{}
	id := trace.NewIDs([]byte("key")).Of(e)
	for _, s := range c.spans {
		if hex(s.TraceId) == id {
			out[s.Name] = s
		}
	}
	return out
}

func hex(b []byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for _, c := range b {
		out.WriteByte(digits[c>>4])
		out.WriteByte(digits[c&15])
	}
	return out.String()
}

func TestEachTryIsATreeInTheTraceOfItsRecipient(t *testing.T) {
	c := collect(t)
	if n := told(t, c.URL, rate.Inf, sent(2, "li@example.com"), refused(3, "wang@qq.com"), run.Waiting{}); n != 0 {
		t.Errorf("%d dropped", n)
	}
	if !c.services["service.name=hongyan"] || !c.services["service.version=v1.2.3"] || len(c.spans) != 7+5 {
		t.Fatalf("%d spans of %v", len(c.spans), c.services)
	}
	li := c.tree(t, entry(2, "Li@example.com"))
	root := li["mail"]
	for name, want := range map[string][2]int{
		"mail": {0, 95}, "compose": {0, 1}, "wait": {1, 31}, "offer": {32, 50}, "record intent": {50, 52}, "deliver": {52, 90}, "record outcome": {90, 95},
	} {
		s := li[name]
		if s == nil {
			t.Fatalf("no span %q among %d", name, len(li))
		}
		from, to := s.StartTimeUnixNano, s.EndTimeUnixNano
		if from != uint64(after(want[0]).UnixNano()) || to != uint64(after(want[1]).UnixNano()) || s.Status.GetCode() != spans.Status_STATUS_CODE_UNSET {
			t.Errorf("%s: %d to %d, %v", name, from, to, s.Status)
		}
		if name == "mail" && len(s.ParentSpanId) != 0 || name != "mail" && string(s.ParentSpanId) != string(root.SpanId) {
			t.Errorf("%s is a child of %x", name, s.ParentSpanId)
		}
	}
	wang := c.tree(t, entry(3, "wang@qq.com"))
	for _, name := range []string{"mail", "offer"} {
		if s := wang[name]; s == nil || s.Status.GetCode() != spans.Status_STATUS_CODE_ERROR || s.Status.Message != "refused mailbox" {
			t.Errorf("%s: %v", name, s)
		}
	}
	if wang["deliver"] != nil || wang["record intent"] != nil {
		t.Errorf("a body that never left has spans: %v", wang)
	}
	if text := wang["mail"].String(); strings.Contains(text, "wang") || !strings.Contains(text, "no-such-user") || !strings.Contains(text, "qq.com") {
		t.Errorf("the span says %s", text)
	}
}

// What went wrong is always told, what went well as often as the rate allows.
func TestTroubleIsNeverSampledAway(t *testing.T) {
	c := collect(t)
	var events []run.Event
	for i := range 200 {
		events = append(events, sent(i, "well@example.com"))
	}
	second := sent(1, "second@example.com")
	second.Entry.Attempts = 1
	doubt := sent(2, "doubt@example.com")
	doubt.Outcome.State = ledger.InDoubt
	put := refused(3, "grey@example.com")
	put.Outcome.State = ledger.Deferred
	ours := &run.Settled{Entry: entry(4, "limit@example.com"), Outcome: ledger.Outcome{State: ledger.Deferred, At: after(9)}, Steps: run.Steps{Claimed: began, Settled: after(9)}}
	skipped := &run.Settled{Entry: entry(5, ""), Outcome: ledger.Outcome{State: ledger.Skipped, At: after(1)}, Steps: run.Steps{Claimed: began, Settled: after(2)}}
	told(t, c.URL, 5, append(events, second, doubt, put, ours, skipped)...)
	roots := 0
	for _, s := range c.spans {
		if s.Name == "mail" {
			roots++
		}
	}
	if roots < 5+4 || roots > 20 {
		t.Errorf("%d tries were told", roots)
	}
	for _, e := range []*run.Settled{second, doubt, put, skipped} {
		if c.tree(t, e.Entry)["mail"] == nil {
			t.Errorf("%s is missing", e.Entry)
		}
	}
	if c.tree(t, ours.Entry)["mail"] != nil {
		t.Error("waiting for a limit of ours counted as trouble")
	}
}

// A collector that is away costs the line nothing, and what it missed is counted.
func TestNoMailWaitsForTheCollector(t *testing.T) {
	var events []run.Event
	for i := range 5000 {
		events = append(events, refused(i, "a@example.com"))
	}
	c := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) }))
	defer c.Close()
	if n := told(t, c.URL, 5, events...); n != 5000 {
		t.Errorf("%d of 5000 were counted as dropped", n)
	}
}

// A collector that takes the question and never answers holds up the end of a
// run for one patience, whatever is left to tell: not for one each of six batches.
func TestTheEndDoesNotWaitForASilentCollector(t *testing.T) {
	t.Parallel()
	c := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // only then the server sees the client leave
		<-r.Context().Done()
	}))
	defer c.Close()
	var events []run.Event
	for i := range 600 {
		events = append(events, refused(i, "a@example.com"))
	}
	begun := time.Now()
	if n := told(t, c.URL, 5, events...); n != 600 {
		t.Errorf("%d of 600 were counted as dropped", n)
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestAnIDNeedsTheKey(t *testing.T) {
	ids := trace.NewIDs([]byte("key"))
	id := ids.Of(entry(1, "li@example.com"))
	if len(id) != 32 || id != ids.Of(entry(9, "LI@example.com")) {
		t.Errorf("%q", id)
	}
	seen := map[string]bool{id: true}
	for i, other := range []string{
		trace.NewIDs([]byte("other")).Of(entry(1, "li@example.com")), ids.Of(entry(1, "wang@example.com")),
		ids.Of(entry(1, "")), ids.Of(entry(2, "")), ids.Of(ledger.Entry{Key: ledger.Key{Campaign: "weekly", Issue: "13"}, Address: "li@example.com"}),
	} {
		if seen[other] {
			t.Errorf("the %dth is taken", i)
		}
		seen[other] = true
	}
}
