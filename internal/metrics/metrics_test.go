package metrics_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/metrics"
	"hongyan/internal/reply"
	"hongyan/internal/run"
)

// scrape is what Prometheus would read.
func scrape(t *testing.T, m *metrics.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != 200 {
		t.Fatal(w.Code, err)
	}
	return string(body)
}

func wants(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %q in\n%s", line, text)
		}
	}
}

func settled(state ledger.State, class string, took time.Duration) *run.Settled {
	now := time.Now()
	return &run.Settled{
		Outcome: ledger.Outcome{State: state, Class: class, Account: "qq"},
		Steps:   run.Steps{Offer: now.Add(-took), Settled: now},
	}
}

// full is a Metrics of which every family has a value.
func full(t *testing.T) *metrics.Metrics {
	t.Helper()
	now := time.Now()
	m := metrics.New("v1.2.3")
	m.Watch(settled(ledger.Sent, "", 40*time.Millisecond))
	m.Watch(settled(ledger.Sent, "", 70*time.Millisecond))
	m.Watch(settled(ledger.Refused, "mailbox", 3*time.Second))
	m.Watch(&run.Settled{Outcome: ledger.Outcome{State: ledger.Skipped, Account: "qq"}})
	m.Watch(run.Waiting{Account: "qq"})
	m.Stage("qq")(reply.AtDot, 30*time.Millisecond)
	m.Stage("qq")(reply.AtStartTLS, 30*time.Millisecond)
	m.Stage("qq")(reply.AtEhlo, time.Hour) // not shown
	m.Noticed("wecom", nil)
	m.Noticed("mail", errors.New("no"))
	store := ledgertest.NewMemory()
	if err := m.Timed(store).Record(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.Look(metrics.Sources{
		Dropped: func() map[string]int64 { return map[string]int64{"traces": 3} },
		Issues: func(context.Context) ([]ledger.Issue, error) {
			return []ledger.Issue{
				{Key: ledger.Key{Campaign: "weekly", Issue: "1"}, Totals: ledger.Totals{Rows: 9, Sent: 7, InDoubt: 2}},
				{Key: ledger.Key{Campaign: "weekly", Issue: "2"}, Totals: ledger.Totals{Rows: 9, Queued: 5, Deferred: 3, InDoubt: 1}},
			}, nil
		},
		Holds: func(context.Context) ([]ledger.Hold, error) {
			return []ledger.Hold{
				{Account: "qq", Until: time.Unix(now.Unix()+60, 0)},
				{Account: "163", Human: true},
				{Account: "old", Until: now.Add(-time.Hour)},
			}, nil
		},
		Accounts: func(time.Time) []metrics.Account {
			return []metrics.Account{
				{Name: "qq", Pace: 0.5, Windows: []metrics.Window{{Limit: "100/day", Max: 100, Used: 42}}},
				{Name: "free", Pace: 1},
			}
		},
		Queue: func(context.Context, time.Time) ([]metrics.Queue, error) {
			return []metrics.Queue{
				{Campaign: "weekly", Mails: 120, Since: now.Add(-time.Minute)},
				{Campaign: "weekly", Account: "qq", Mails: 3, Since: now.Add(-time.Hour)},
				{Campaign: "daily"},
			}, nil
		},
		Crew: func(context.Context) (metrics.Crew, error) {
			return metrics.Crew{Workers: 3, Leases: map[string]int{"qq": 1, "free": 0}}, nil
		},
		Slots: func(context.Context, time.Time) (map[string]time.Time, error) {
			return map[string]time.Time{"weekly": time.Now().Add(-10 * time.Minute), "daily": {}}, nil
		},
	})
	return m
}

func TestWhatHappenedCanBeScraped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wants(t, scrape(t, full(t)),
			`hongyan_mails_total{account="qq",class="none",state="sent"} 2`,
			`hongyan_mails_total{account="qq",class="mailbox",state="refused"} 1`,
			`hongyan_mails_total{account="qq",class="none",state="skipped"} 1`,
			`hongyan_delivery_duration_seconds_bucket{account="qq",le="0.05"} 1`,
			`hongyan_delivery_duration_seconds_count{account="qq"} 3`,
			`hongyan_smtp_stage_duration_seconds_count{account="qq",stage="dot"} 1`,
			`hongyan_smtp_stage_duration_seconds_count{account="qq",stage="tls"} 1`,
			`hongyan_ledger_commit_duration_seconds_count 1`,
			`hongyan_open_recipients{campaign="weekly",state="queued"} 5`,
			`hongyan_open_recipients{campaign="weekly",state="in-doubt"} 3`,
			`hongyan_open_recipients{campaign="weekly",state="sending"} 0`,
			`hongyan_account_held{account="qq"} 1`,
			`hongyan_account_held{account="163"} 1`,
			`hongyan_account_held{account="old"} 0`,
			`hongyan_account_held{account="free"} 0`,
			`hongyan_account_window_limit_mails{account="qq",lane="",window="100/day"} 100`,
			`hongyan_account_window_used_mails{account="qq",lane="",window="100/day"} 42`,
			`hongyan_account_pace_ratio{account="qq",lane=""} 0.5`,
			`hongyan_schedule_overdue_seconds{campaign="weekly"} 600`,
			`hongyan_schedule_overdue_seconds{campaign="daily"} 0`,
			`hongyan_queue_due_mails{account="*",campaign="weekly"} 120`,
			`hongyan_queue_due_mails{account="qq",campaign="weekly"} 3`,
			`hongyan_queue_due_mails{account="*",campaign="daily"} 0`,
			`hongyan_queue_lag_seconds{account="*",campaign="weekly"} 60`,
			`hongyan_queue_lag_seconds{account="qq",campaign="weekly"} 3600`,
			`hongyan_queue_lag_seconds{account="*",campaign="daily"} 0`,
			`hongyan_workers 3`,
			`hongyan_account_leases{account="qq"} 1`,
			`hongyan_account_leases{account="free"} 0`,
			`hongyan_notices_total{kind="wecom",result="sent"} 1`,
			`hongyan_notices_total{kind="mail",result="failed"} 1`,
			`hongyan_dropped_total{what="traces"} 3`,
		)
	})
}

func TestNamesAndUnitsKeepPrometheusConventions(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(t, full(t)))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestAnIdleLedgerHasAQueueOfNone(t *testing.T) {
	m := metrics.New("v1")
	m.Look(metrics.Sources{Queue: func(context.Context, time.Time) ([]metrics.Queue, error) { return nil, nil }})
	wants(t, scrape(t, m), `hongyan_queue_due_mails{account="*",campaign="*"} 0`, `hongyan_queue_lag_seconds{account="*",campaign="*"} 0`)
}

func TestASourceThatFailsHidesNothingElse(t *testing.T) {
	m := metrics.New("v1")
	m.Look(metrics.Sources{
		Issues:   func(context.Context) ([]ledger.Issue, error) { return nil, ledger.ErrBroken },
		Accounts: func(time.Time) []metrics.Account { return []metrics.Account{{Name: "qq", Pace: 1}} },
	})
	scrape(t, m)
	wants(t, scrape(t, m), `hongyan_account_pace_ratio{account="qq",lane=""} 1`, `promhttp_metric_handler_errors_total{cause="gathering"} 1`)
}

// However often somebody scrapes, counting takes a fiftieth of the time at most.
func TestCountingIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, counted := metrics.New("v1"), 0
		m.Look(metrics.Sources{Issues: func(context.Context) ([]ledger.Issue, error) {
			counted++
			time.Sleep(100 * time.Millisecond)
			return []ledger.Issue{{Key: ledger.Key{Campaign: "big", Issue: "1"}, Totals: ledger.Totals{Queued: counted}}}, nil
		}})
		for range 60 {
			scrape(t, m)
			time.Sleep(time.Second)
		}
		if counted < 11 || counted > 13 {
			t.Errorf("counted %d times within a minute", counted)
		}
		wants(t, scrape(t, m), fmt.Sprintf(`hongyan_open_recipients{campaign="big",state="queued"} %d`, counted))
	})
}

func TestAMailCostsNoAllocation(t *testing.T) {
	m := metrics.New("v1")
	stage := m.Stage("qq")
	var e run.Event = settled(ledger.Sent, "", time.Millisecond)
	if n := testing.AllocsPerRun(1000, func() { m.Watch(e); stage(reply.AtDot, time.Millisecond) }); n > 0 {
		t.Errorf("%v allocations a mail", n)
	}
}

func TestTheFileIsWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "hongyan.prom")
	if err := full(t).WriteFile(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wants(t, string(text), `hongyan_mails_total{account="qq",class="none",state="sent"} 2`)
}
