package main

import (
	"testing"
	"time"

	"hongyan/internal/crew/board"
	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
)

func TestAnIssueOnTheDeskSaysWhyNoWorkerCanSendIt(t *testing.T) {
	t.Parallel()
	d, f := onPostgres(t)
	if err := d.Start(t.Context(), ledger.Key{Campaign: "news", Issue: "main"}, "li"); err != nil {
		t.Fatal(err)
	}
	worker, err := postgres.Open(t.Context(), string(d.conf.State), postgres.Options{Name: "smith", Works: true})
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	tell := func(worker string) {
		t.Helper()
		trouble := board.Trouble{Worker: worker, Account: "sandbox", Why: "no secret", Again: time.Now()}
		if err := trouble.Tell(t.Context(), f.books); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range [][2]string{
		{"jones", ""},
		{"smith", "no worker can use account sandbox: no secret; mend that, or start hongyan worker on a machine that can"},
	} {
		tell(c[0])
		if jobs, err := d.Jobs(t.Context()); err != nil || len(jobs) != 1 || jobs[0].Why.String() != c[1] {
			t.Errorf("%s is in trouble: %+v, %v", c[0], jobs, err)
		}
	}
}
