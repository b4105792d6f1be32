package postgres_test

import (
	"errors"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/postgres/postgrestest"
)

// short is a lease that a test can wait for the end of.
const short = 1500 * time.Millisecond

func welcome() ledger.Key { return ledger.Key{Campaign: "welcome", Issue: "main"} }

// planned has the store know n recipients of the issue.
func planned(t *testing.T, s *postgres.Store, n int) {
	t.Helper()
	if _, err := s.Plan(t.Context(), welcome(), ledger.Plan{At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Enqueue(t.Context(), welcome(), people(n)); err != nil {
		t.Fatal(err)
	}
}

func people(n int) iter.Seq2[ledger.Row, error] {
	return func(yield func(ledger.Row, error) bool) {
		for i := range n {
			if !yield(ledger.Row{Line: i + 2, Address: strings.Repeat("p", i%7+1) + time.Duration(i).String() + "@example.com"}, nil) {
				return
			}
		}
	}
}

func claim(t *testing.T, s *postgres.Store, account string, n int) []int64 {
	t.Helper()
	entries, err := s.Claim(t.Context(), welcome(), account, n, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var ids []int64
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

func intent(id int64) ledger.Intent {
	return ledger.Intent{ID: id, Account: "qq", MessageID: "m@example.com", At: time.Now()}
}

func sent(id int64) ledger.Outcome {
	return ledger.Outcome{ID: id, State: ledger.Sent, Account: "qq", At: time.Now(), Stage: "dot", Code: 250}
}

// stateOf is where an entry stands, and healthy that the books agree.
func stateOf(t *testing.T, s *postgres.Store, id int64) ledger.State {
	t.Helper()
	for e, err := range s.Entries(t.Context(), welcome(), ledger.Filter{After: id - 1, Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		return e.State
	}
	return ""
}

func healthy(t *testing.T, s *postgres.Store) {
	t.Helper()
	for f, err := range s.Verify(t.Context()) {
		t.Error(f, err)
	}
}

func anAccountIsOneWorkers(t *testing.T, server *postgrestest.Server) {
	url := server.Place(t)
	a, b := open(t, url, long), open(t, url, long)
	planned(t, a, 10)
	ids := claim(t, a, "qq", 3)
	if _, err := b.Claim(t.Context(), welcome(), "qq", 1, time.Now()); !errors.Is(err, ledger.ErrElsewhere) {
		t.Errorf("the other worker's claim: %v", err)
	}
	if err := b.Record(t.Context(), intent(ids[0])); !errors.Is(err, ledger.ErrElsewhere) {
		t.Errorf("the other worker's intent: %v", err)
	}
	if other := claim(t, b, "163", 10); len(other) != 7 || other[0] != ids[2]+1 {
		t.Errorf("another account is offered %v", other)
	}
	if err := a.HandBack(t.Context(), "qq"); err != nil {
		t.Fatal(err)
	}
	if again := claim(t, b, "qq", 10); len(again) != 3 || again[0] != ids[0] {
		t.Errorf("after it was handed back, it is offered %v", again)
	}
	healthy(t, b)
}

// spansLieApart: accounts that share an issue claim by turns, and the successor of
// each has only its own entries to look through.
func spansLieApart(t *testing.T, server *postgrestest.Server) {
	url := server.Place(t)
	s := open(t, url, long)
	planned(t, s, 40)
	var ids []int64
	for range 3 {
		ids = append(claim(t, s, "qq", 5), claim(t, s, "163", 5)...)
	}
	place := url[strings.LastIndex(url, "=")+1:]
	strangers := `SELECT count(*) FROM ` + place + `.delivery d JOIN ` + place + `.span s ON d.id BETWEEN s.low AND s.high
		WHERE d.claim NOT IN (0, s.epoch)`
	if n := server.Do(t, strangers); n != "0" {
		t.Errorf("%s entries of the other account lie in a span", n)
	}
	if err := s.Release(t.Context(), ids[3:7]...); err != nil {
		t.Fatal(err)
	}
	claim(t, s, "qq", 6) // what was given back, and what lies ahead
	if lost := server.Do(t, `SELECT count(*) FROM `+place+`.delivery d WHERE claim <> 0 AND NOT EXISTS
		(SELECT 1 FROM `+place+`.span s WHERE s.epoch = d.claim AND d.id BETWEEN s.low AND s.high)`); lost != "0" {
		t.Errorf("%s claimed entries lie in no span", lost)
	}
	for _, account := range []string{"qq", "163"} {
		if err := s.HandBack(t.Context(), account); err != nil {
			t.Fatal(err)
		}
	}
	if again := claim(t, s, "qq", 50); len(again) != 40 {
		t.Errorf("after both were handed back, %d of 40 are offered", len(again))
	}
}

// openingTakesNothing: what somebody else is sending is no doubt.
func openingTakesNothing(t *testing.T, server *postgrestest.Server) {
	url := server.Place(t)
	a := open(t, url, long)
	planned(t, a, 3)
	id := claim(t, a, "qq", 1)[0]
	if err := a.Record(t.Context(), intent(id)); err != nil {
		t.Fatal(err)
	}
	b := open(t, url, long)
	if n, err := b.Reap(t.Context()); n != 0 || err != nil {
		t.Errorf("reaped %d, %v", n, err)
	}
	if got := stateOf(t, b, id); got != ledger.Sending {
		t.Errorf("it became %s", got)
	}
	if err := a.Record(t.Context(), sent(id)); err != nil {
		t.Error(err)
	}
}

func TestWorkersShareALedger(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, false)
	for name, test := range map[string]func(*testing.T, *postgrestest.Server){
		"AnAccountIsOneWorkersAtATime":            anAccountIsOneWorkers,
		"SpansOfAccountsLieApart":                 spansLieApart,
		"OpeningTakesNothingFromOthers":           openingTakesNothing,
		"AFrozenWorkerCanNeitherCommitNorSend":    frozen,
		"WhatTheDeadWereSendingIsADoubtAtOnce":    leftBehind,
		"ResultsStayInHandWhileTheDatabaseIsAway": inHand,
		"WhatCouldNotBeHandedBackEndsByItself":    letGo,
		"WorkersThatStartTogetherMigrateOnce":     startTogether,
		"TheBacklogIsWhatCouldLeaveNow":           backlog,
		"EachOfAGroupIsLookedUpByItself":          eachByItself,
		"ALedgerOfThePreviousReleaseGoesOn":       earlier,
		"LanesOfAnAccountAreHadBesideEachOther":   lanes,
		"ALaneIsTakenOverAlone":                   aLaneIsTakenOver,
		"AHoldIsOfAllLanes":                       aHoldIsOfAllLanes,
		"TheSplitOfAnAccountMayChange":            theSplitMayChange,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, server)
		})
	}
}

// frozen: the worker is cut off for longer than its lease, another takes over,
// and then it comes back.
func frozen(t *testing.T, server *postgrestest.Server) {
	url := server.Place(t)
	g := postgrestest.NewGate(t, server)
	a, b := open(t, g.Through(url), short), open(t, url, short)
	planned(t, a, 5)
	if err := a.Take(t.Context(), "qq"); err != nil {
		t.Fatal(err)
	}
	ids := claim(t, a, "qq", 3)
	if err := a.Record(t.Context(), intent(ids[0])); err != nil {
		t.Fatal(err)
	}
	g.Shut(true)
	takeover(t, b)
	if got := stateOf(t, b, ids[0]); got != ledger.InDoubt {
		t.Errorf("what was being sent became %s", got)
	}
	if err := a.Has("qq"); !errors.Is(err, ledger.ErrElsewhere) {
		t.Errorf("the last look before the body says %v", err)
	}
	if again := claim(t, b, "qq", 9); len(again) != 4 || again[0] != ids[1] {
		t.Errorf("the successor is offered %v", again)
	}
	g.Shut(false)
	if err := a.Record(t.Context(), intent(ids[1])); !errors.Is(err, ledger.ErrElsewhere) {
		t.Errorf("an intent of the one that woke up: %v", err)
	}
	if _, err := a.Claim(t.Context(), welcome(), "qq", 1, time.Now()); !errors.Is(err, ledger.ErrElsewhere) {
		t.Errorf("a claim of the one that woke up: %v", err)
	}
	if err := a.Record(t.Context(), sent(ids[0])); err != nil {
		t.Errorf("a late truth is not welcome: %v", err)
	}
	if got := stateOf(t, b, ids[0]); got != ledger.Sent {
		t.Errorf("the doubt is %s after its own sender told the result", got)
	}
	healthy(t, b)
}

// leftBehind: nobody takes the account after its owner's death, yet what was being
// sent is a doubt for everybody who looks, and can be settled.
func leftBehind(t *testing.T, server *postgrestest.Server) {
	url := server.Place(t)
	g := postgrestest.NewGate(t, server)
	a := open(t, g.Through(url), short)
	planned(t, a, 5)
	id := claim(t, a, "qq", 1)[0]
	if err := a.Record(t.Context(), intent(id)); err != nil {
		t.Fatal(err)
	}
	r, err := postgres.OpenReader(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if totals, err := r.Totals(t.Context(), welcome()); err != nil || totals.Sending != 1 {
		t.Errorf("while its owner lives: %+v, %v", totals, err)
	}
	g.Shut(true)
	time.Sleep(short + short/2) // the end of a lease is a moment on the database's clock
	totals, err := r.Totals(t.Context(), welcome())
	if err != nil || totals.Sending != 0 || totals.InDoubt != 1 || totals.Check() != nil {
		t.Errorf("after its death: %+v, %v", totals, err)
	}
	n := 0
	for e, err := range r.Entries(t.Context(), welcome(), ledger.Filter{States: []ledger.State{ledger.InDoubt}}) {
		if n++; err != nil || e.ID != id || e.State != ledger.InDoubt || e.Reply != ledger.AbandonedWhy {
			t.Errorf("listed: %+v, %v", e, err)
		}
	}
	moments, err := r.Timeline(t.Context(), welcome(), time.Hour)
	if err != nil || n != 1 || len(moments) != 1 || moments[0].InDoubt != 1 {
		t.Errorf("%d listed; %+v, %v", n, moments, err)
	}
	b := open(t, url, long)
	if n, err := b.Settle(t.Context(), welcome(), ledger.Settlement{To: ledger.Sent, At: time.Now(), By: "li"}); n != 1 || err != nil {
		t.Errorf("settled %d, %v", n, err)
	}
	g.Shut(false)
	healthy(t, b)
}

// letGo: the worker itself lives on, and renews what else it has.
func letGo(t *testing.T, server *postgrestest.Server) {
	url := server.Place(t)
	g := postgrestest.NewGate(t, server)
	a, b := open(t, g.Through(url), short), open(t, url, short)
	for _, account := range []string{"qq", "163"} {
		if err := a.Take(t.Context(), account); err != nil {
			t.Fatal(err)
		}
	}
	g.Shut(true)
	if err := a.HandBack(t.Context(), "qq"); err == nil {
		t.Fatal("it was handed back to a database that is away")
	}
	g.Shut(false)
	if waited := takeover(t, b); waited > 10*short {
		t.Errorf("somebody else has it after %s", waited)
	}
	if err := b.Take(t.Context(), "163"); !errors.Is(err, ledger.ErrElsewhere) {
		t.Errorf("what the worker still has: %v", err)
	}
	healthy(t, b)
}

// takeover waits for the end of the other's lease and returns how long it took.
func takeover(t *testing.T, s *postgres.Store) time.Duration {
	t.Helper()
	begun := time.Now()
	for {
		err := s.Take(t.Context(), "qq")
		if err == nil {
			return time.Since(begun)
		}
		if !errors.Is(err, ledger.ErrElsewhere) || time.Since(begun) > time.Minute {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond) // the end of a lease is a moment on the database's clock
	}
}

func inHand(t *testing.T, server *postgrestest.Server) {
	g := postgrestest.NewGate(t, server)
	keepsResults(t, open(t, g.Through(server.Place(t)), 30*time.Second), g.Shut)
}

// TestResultsStayInHandWhileTheDatabaseStandsBy: as after a fail-over, it answers
// and takes no writes.
func TestResultsStayInHandWhileTheDatabaseStandsBy(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, false)
	keepsResults(t, open(t, server.Place(t), 30*time.Second), func(shut bool) {
		word := map[bool]string{true: "on", false: "off"}[shut]
		server.Do(t, "ALTER SYSTEM SET default_transaction_read_only = "+word)
		server.Do(t, "SELECT pg_reload_conf()")
		for server.Do(t, "SHOW default_transaction_read_only") != word { // it takes a moment
		}
	})
}

// keepsResults: and no intent is given.
func keepsResults(t *testing.T, s *postgres.Store, shut func(bool)) {
	planned(t, s, 5)
	ids := claim(t, s, "qq", 3)
	if err := s.Record(t.Context(), intent(ids[0])); err != nil {
		t.Fatal(err)
	}
	shut(true)
	kept := make(chan error, 1)
	go func() { kept <- s.Record(t.Context(), sent(ids[0])) }()
	if err := s.Record(t.Context(), intent(ids[1])); !errors.Is(err, ledger.ErrAway) {
		t.Errorf("an intent while the database is away: %v", err)
	}
	select {
	case err := <-kept:
		t.Errorf("the result was let go: %v", err)
	default:
	}
	shut(false)
	if err := <-kept; err != nil {
		t.Errorf("the result once the database is back: %v", err)
	}
	for i, want := range []ledger.State{ledger.Sent, ledger.Queued, ledger.Queued} {
		if got := stateOf(t, s, ids[i]); got != want {
			t.Errorf("entry %d is %s, want %s", i, got, want)
		}
	}
	if err := s.Record(t.Context(), intent(ids[1])); err != nil {
		t.Errorf("an intent once the database is back: %v", err)
	}
	healthy(t, s)
}

// TestACrashedDatabaseKeepsWhatItSaid: fsync is on, and the server is killed.
func TestACrashedDatabaseKeepsWhatItSaid(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, true)
	s := open(t, server.Place(t), long)
	planned(t, s, 20)
	ids := claim(t, s, "qq", 20)
	for _, id := range ids[:10] {
		if err := s.Record(t.Context(), intent(id)); err != nil {
			t.Fatal(err)
		}
	}
	server.Crash()
	server.Run()
	for _, id := range ids[:10] {
		if err := s.Record(t.Context(), sent(id)); err != nil {
			t.Error(err)
		}
	}
	totals, err := s.Totals(t.Context(), welcome())
	if err != nil || totals.Sent != 10 || totals.Queued != 10 {
		t.Errorf("%+v, %v", totals, err)
	}
	healthy(t, s)
}

// Whoever looks on can wait for a server that is not there, and for no other error.
func TestADatabaseThatIsAwayIsToldFromOneThatRefuses(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, false)
	s := open(t, server.Place(t), long)
	planned(t, s, 1)
	server.Do(t, "ALTER TABLE place1.paper RENAME TO gone")
	if _, err := s.Paper(t.Context(), "a", "b"); err == nil || errors.Is(err, ledger.ErrAway) {
		t.Errorf("there is no such table: %v", err)
	}
	server.Do(t, "ALTER TABLE place1.gone RENAME TO paper")
	server.Crash()
	for range 3 { // over a connection that was cut, then over none
		if _, err := s.Paper(t.Context(), "a", "b"); !errors.Is(err, ledger.ErrAway) || strings.Contains(err.Error(), "user=") {
			t.Errorf("it is away: %v", err)
		}
	}
	if err := s.Take(t.Context(), "qq"); !errors.Is(err, ledger.ErrAway) {
		t.Errorf("it is away: %v", err)
	}
	server.Run()
	if _, err := s.Paper(t.Context(), "a", "b"); err != nil {
		t.Error(err)
	}
}

// startTogether: on a database that is new to all.
func startTogether(t *testing.T, server *postgrestest.Server) {
	url := server.Place(t)
	if _, err := postgres.OpenReader(t.Context(), url); !errors.Is(err, postgres.ErrEmpty) {
		t.Errorf("before: %v", err)
	}
	var workers sync.WaitGroup
	keys := make([]string, 4)
	for i := range keys {
		workers.Go(func() {
			s, err := postgres.Open(t.Context(), url, postgres.Options{Lease: long})
			if err != nil {
				t.Error(err)
				return
			}
			key, err := s.Key(t.Context())
			keys[i] = string(key)
			if err := errors.Join(err, s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	workers.Wait()
	if err := postgres.Migrate(t.Context(), url); err != nil {
		t.Errorf("once more: %v", err)
	}
	if keys[0] == "" || strings.Join(keys, "") != strings.Repeat(keys[0], len(keys)) {
		t.Errorf("they have different keys: %x", keys)
	}
}

func TestAPasswordIsInNoError(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://li:s3cr3t@127.0.0.1:1/hongyan", "postgres://li:s3cr3t@127.0.0.1:x/hongyan",
		"postgres://li:s3cr3t@nowhere.invalid/hongyan?password=s3cr3t", "postgres://li:s3cr3t@%zz/?sslmode=s3cr3t",
	} {
		_, err := postgres.OpenReader(t.Context(), url)
		if !postgres.Is(url) || err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%v", err)
		}
	}
}

func TestADatabaseThatIsNotThereIsSaidOnce(t *testing.T) {
	t.Parallel()
	_, err := postgres.OpenReader(t.Context(), "postgres://li@127.0.0.1:1/hongyan")
	if err == nil || strings.Count(err.Error(), "connection refused") != 1 {
		t.Errorf("%v", err)
	}
}
