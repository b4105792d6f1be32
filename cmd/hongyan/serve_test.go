package main

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"hongyan/internal/campaign"
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
	books, err := sqlite.OpenClerk(ctx, ts.MkAbs(args[0]))
	ts.Check(err)
	defer books.Close()
	paper, err := json.Marshal(map[string]any{"schedule": camp.Schedule.String(), "since": since})
	ts.Check(err)
	ts.Check(books.Put(ctx, "schedule", camp.Name, paper))
}
