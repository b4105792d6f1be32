package main

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hongyan/internal/campaign"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/sqlite"
)

// arrives FILE: waits until the file is there.
func arrives(ts *testscript.TestScript, _ bool, args []string) {
	await(ts, "there is no "+args[0], func() bool {
		_, err := os.Stat(ts.MkAbs(args[0]))
		return err == nil
	})
}

// shows PATTERN COMMAND…: waits until what the command prints is like the pattern.
func shows(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	await(ts, "nothing is like "+args[0], func() bool {
		return ts.Exec(args[1], args[2:]...) == nil && pattern.MatchString(ts.ReadFile("stdout"))
	})
}

// answers PATTERN METHOD URL [BODY]: asks with the token of the file token until the
// answer is like the pattern, whose first group becomes $FOUND. The language asked
// for is that of $ACCEPT_LANGUAGE.
func answers(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	body := strings.Join(args[3:], "")
	var said []byte
	await(ts, "no answer is like "+args[0], func() bool {
		said = ask(ts, args[1], args[2], body)
		return pattern.Match(said)
	})
	if found := pattern.FindSubmatch(said); len(found) > 1 {
		ts.Setenv("FOUND", string(found[1]))
	}
}

// ask returns the body of an answer; nothing while nobody answers.
func ask(ts *testscript.TestScript, method, url, body string) []byte {
	r, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
	ts.Check(err)
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile("token")))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Language", ts.Getenv("ACCEPT_LANGUAGE"))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	ts.Check(err)
	ts.Logf("%s %s: %s", method, url, said[:min(len(said), 300)])
	return said
}

// captures DIR N: waits until the folder holds N captured mails.
func captures(ts *testscript.TestScript, _ bool, args []string) {
	await(ts, "there are not "+args[1]+" mails", func() bool {
		found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.eml"))
		ts.Check(err)
		return strconv.Itoa(len(found)) == args[1]
	})
}

func await(ts *testscript.TestScript, missing string, there func() bool) {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !there() {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s", missing)
		}
	}
}

// scheduled STATE FILE TIME: the campaign has had its schedule since then, and
// hongyan was not running.
func scheduled(ts *testscript.TestScript, _ bool, args []string) {
	src, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	camp, err := campaign.Parse(args[1], src)
	ts.Check(err)
	since, err := time.Parse(time.RFC3339, args[2])
	ts.Check(err)
	ctx := context.Background()
	books, err := clerkOf(ctx, cmp.Or(ts.Getenv("HONGYAN_STATE"), ts.MkAbs(args[0])))
	ts.Check(err)
	defer books.Close()
	paper, err := json.Marshal(map[string]any{"schedule": camp.Schedule.String(), "since": since})
	ts.Check(err)
	ts.Check(books.Put(ctx, "schedule", camp.Name, paper))
}

func clerkOf(ctx context.Context, state string) (clerk, error) {
	if postgres.Is(state) {
		return postgres.Open(ctx, state, postgres.Options{Name: "test"})
	}
	return sqlite.OpenClerk(ctx, state)
}
