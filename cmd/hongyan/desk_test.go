package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/web"
)

// served is the desk of a service at work over a folder of files.
func served(t *testing.T, files map[string]string) desk {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		put(t, filepath.Join(dir, name), text)
	}
	d := newDoor(nil)
	d.out, d.err, d.log = io.Discard, io.Discard, slog.New(slog.DiscardHandler)
	d.flags.config = filepath.Join(dir, "config.yaml")
	conf, err := d.config()
	if err != nil {
		t.Fatal(err)
	}
	h, err := d.openHouse(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	made := make(chan desk, 1)
	done := make(chan error, 1)
	ctx := context.WithoutCancel(t.Context())
	go func() {
		done <- d.lookingOut(ctx, h, func() error {
			s := h.service(filepath.Join(dir, "campaigns"))
			s.folder.Look()
			desk := s.desk()
			defer desk.glass.close()
			made <- desk
			return s.work(ctx, s.watch, s.slots)
		})
	}()
	t.Cleanup(func() {
		close(d.interrupted)
		if err := errors.Join(<-done, h.close()); err != nil {
			t.Error(err)
		}
	})
	return <-made
}

// eventually waits for what another goroutine is to bring about.
func eventually(t *testing.T, what string, there func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !there() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not %s", what)
		}
	}
}

func (d desk) standing(t *testing.T, k ledger.Key) string {
	t.Helper()
	jobs, err := d.Jobs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range jobs {
		if job.Key == k {
			return job.Standing
		}
	}
	return ""
}

func (d desk) sent(t *testing.T, k ledger.Key) int {
	t.Helper()
	totals, err := d.store.Totals(t.Context(), k)
	if err != nil && !errors.Is(err, ledger.ErrUnknown) {
		t.Fatal(err)
	}
	return totals.Sent
}

func refused(t *testing.T, err error, why string) {
	t.Helper()
	refusal, ok := errors.AsType[*web.Refusal](err)
	if !ok || !strings.Contains(refusal.Why.String(), why) {
		t.Errorf("%v is no refusal that says %q", err, why)
	}
}

func letterFiles(rows int) map[string]string {
	var list strings.Builder
	list.WriteString("email,name\n")
	for i := range rows {
		fmt.Fprintf(&list, "r%d@example.com,R%d\n", i, i)
	}
	return map[string]string{
		"config.yaml":           "account: sandbox\naccounts:\n  sandbox: {provider: sandbox, address: demo@qq.com, limits: {per_second: 20}}\n",
		"campaigns/news.yaml":   "name: news\ntemplate: letter.md\nrecipients: list.csv\nsubject: \"To {{.name}}\"\n",
		"campaigns/faulty.yaml": "name: faulty\ntemplate: letter.md\nrecipients: list.csv\nsubject: x\ncolour: red\n",
		"campaigns/letter.md":   "Dear {{.name}}, all is well.\n",
		"campaigns/list.csv":    list.String(),
	}
}

func TestAnIssueIsStartedPausedAndResumedFromTheDesk(t *testing.T) {
	t.Parallel()
	d := served(t, letterFiles(60))
	k := ledger.Key{Campaign: "news", Issue: "main"}
	draft, err := d.Draft(t.Context(), ledger.Key{Campaign: "news"})
	if err != nil || draft.Key != k || draft.Recipients != 60 || draft.Open != 60 || draft.Faults != nil {
		t.Fatalf("%+v, %v", draft, err)
	}
	if err := d.Start(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	refused(t, d.Start(t.Context(), k, "li"), "on its way already")
	eventually(t, "a mail was sent", func() bool { return d.sent(t, k) > 0 })
	if s := d.standing(t, k); s != web.Running {
		t.Errorf("it is %q", s)
	}
	if err := d.Pause(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	if s := d.standing(t, k); s != web.Paused {
		t.Errorf("it is %q", s)
	}
	eventually(t, "the floor is empty", func() bool { return len(d.office.Floor()) == 0 })
	before := d.sent(t, k)
	refused(t, d.Pause(t.Context(), k, "li"), "not on its way")
	if before == 60 {
		t.Fatal("the pause came too late to show anything")
	}
	if err := d.Resume(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all are sent", func() bool { return d.sent(t, k) == 60 })
	eventually(t, "it left the floor", func() bool { return d.standing(t, k) == "" })
	refused(t, d.Resume(t.Context(), k, "li"), "not paused")
}

// Who waits for a domain with a limit of its own is still open when the others are
// done: what is left then takes as long as all of it did at the beginning.
func TestTheTimeLeftHeedsTheLimitsOfDomains(t *testing.T) {
	t.Parallel()
	files := letterFiles(0)
	files["config.yaml"] = "account: sandbox\naccounts:\n  sandbox: {provider: sandbox, address: demo@qq.com, limits: {per_second: 20, to: {slow.cn: 1/min}}}\n"
	for i := range 30 {
		files["campaigns/list.csv"] += fmt.Sprintf("r%d@Slow.cn,R\nr%d@example.com,R\n", i, i)
	}
	d := served(t, files)
	k := ledger.Key{Campaign: "news", Issue: "main"}
	takes := func(what string, got time.Duration) {
		t.Helper()
		if got < 28*time.Minute || got > 30*time.Minute {
			t.Errorf("%s takes %v", what, got)
		}
	}
	draft, err := d.Draft(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	takes("the plan", draft.Takes)
	if err := d.Start(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the others are sent", func() bool { return d.sent(t, k) > 30 })
	jobs, err := d.Jobs(t.Context())
	if err != nil || len(jobs) != 1 {
		t.Fatalf("%+v, %v", jobs, err)
	}
	takes("the issue", jobs[0].Takes)
	if draft, err = d.Draft(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	takes("the plan of what is left", draft.Takes)
}

func TestAForecastOfALargeIssueLooksAtSomeOfEveryPart(t *testing.T) {
	t.Parallel()
	d := served(t, letterFiles(1))
	k, rows := ledger.Key{Campaign: "large", Issue: "main"}, 3*stretches*stretch
	if _, err := d.store.Plan(t.Context(), k, ledger.Plan{At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	_, err := d.store.Enqueue(t.Context(), k, func(yield func(ledger.Row, error) bool) {
		for i := range rows {
			domain := "example.com"
			if i >= rows*3/4 { // in a list by domain
				domain = "slow.cn"
			}
			if !yield(ledger.Row{Line: i + 2, Address: fmt.Sprintf("r%d@%s", i, domain)}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	totals, err := d.store.Totals(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	s := &spread{to: map[string]int{"slow.cn": 0}}
	if err := d.lookThrough(t.Context(), k, totals, s); err != nil {
		t.Fatal(err)
	}
	if got := s.share(rows)["slow.cn"]; s.of != stretches*stretch || got < rows*23/100 || got > rows*27/100 {
		t.Errorf("of %d rows %d were looked at, and %d are thought to go to slow.cn", rows, s.of, got)
	}
}

func TestAChangedIssueWaitsForAPerson(t *testing.T) {
	t.Parallel()
	d := served(t, letterFiles(60))
	k := ledger.Key{Campaign: "news", Issue: "main"}
	if err := d.Start(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	// An issue that nobody is written down for has begun with nobody, and may change.
	eventually(t, "somebody is in the ledger", func() bool {
		totals, err := d.store.Totals(t.Context(), k)
		return err == nil && totals.Rows > 0
	})
	if err := d.Pause(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the floor is empty", func() bool { return len(d.office.Floor()) == 0 })
	put(t, filepath.Join(d.conf.Dir, "campaigns", "letter.md"), "Dear {{.name}}, all is better.\n")
	refused(t, d.Resume(t.Context(), k, "li"), "letter.md")
	if s := d.standing(t, k); s != web.Paused {
		t.Errorf("it is %q", s)
	}
	if err := d.Start(t.Context(), k, "li"); err != nil { // the draft showed the change
		t.Fatal(err)
	}
	eventually(t, "all are sent", func() bool { return d.sent(t, k) == 60 })
}

func TestTheDeskKnowsCampaignsAccountsAndMails(t *testing.T) {
	t.Parallel()
	d := served(t, letterFiles(3))
	campaigns, err := d.Campaigns(t.Context())
	if err != nil || len(campaigns) != 2 || campaigns[0].Name != "faulty" || len(campaigns[0].Faults) == 0 ||
		campaigns[1].Issue != "main" || campaigns[1].List != "news" || campaigns[1].Accounts[0] != "sandbox" {
		t.Fatalf("%+v, %v", campaigns, err)
	}
	mail, err := d.Preview(t.Context(), ledger.Key{Campaign: "news"}, 2)
	if err != nil || mail.Address != "r1@example.com" || mail.Subject != "To R1" || mail.Of != 3 || !strings.Contains(mail.Text, "Dear R1") || !strings.Contains(mail.Source, "Subject: ") {
		t.Fatalf("%+v, %v", mail, err)
	}
	put(t, filepath.Join(d.conf.Dir, "campaigns", "letter.md"), "Dear {{.name}}, all is better.\n")
	if mail, err = d.Preview(t.Context(), ledger.Key{Campaign: "news"}, 2); err != nil || !strings.Contains(mail.Text, "better") {
		t.Errorf("%+v, %v", mail, err)
	}
	if _, err := d.Preview(t.Context(), ledger.Key{Campaign: "news"}, 4); !errors.Is(err, web.ErrUnknown) {
		t.Errorf("the fourth of three: %v", err)
	}
	sent, err := d.Test(t.Context(), ledger.Key{Campaign: "news"}, web.Test{To: []string{"me@example.com"}, Rows: "2-3", By: "li"})
	if err != nil || sent != 2 {
		t.Errorf("%d tests left, %v", sent, err)
	}
	_, err = d.Test(t.Context(), ledger.Key{Campaign: "news"}, web.Test{To: []string{"nobody"}})
	refused(t, err, "nobody: ")
	probe, err := d.Probe(t.Context(), "sandbox")
	if err != nil || !probe.LoggedIn || probe.Failed != "" {
		t.Errorf("%+v, %v", probe, err)
	}
	hold := ledger.Hold{Account: "sandbox", Human: true, Since: time.Now(), Reason: "auth", Reply: "535 no"}
	if err := d.store.Hold(t.Context(), hold); err != nil {
		t.Fatal(err)
	}
	accounts, err := d.Accounts(t.Context())
	if err != nil || len(accounts) != 1 || accounts[0].Hold == nil || accounts[0].Windows[0].Max != 20 {
		t.Errorf("%+v, %v", accounts, err)
	}
	k := ledger.Key{Campaign: "news", Issue: "main"}
	if err := d.Start(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is held", func() bool { return d.standing(t, k) == web.Held })
	if err := d.Lift(t.Context(), "sandbox", "li"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all are sent", func() bool { return d.sent(t, k) == 3 })
	if err := d.Lift(t.Context(), "nobody", "li"); !errors.Is(err, web.ErrUnknown) {
		t.Error(err)
	}
}
