package main

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hongyan": hongyan})
}

// TestCommands runs each script under testdata/script: whole command lines, as
// a user types them, against the real sandbox over real sockets.
func TestCommands(t *testing.T) {
	t.Parallel()
	shipped, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, scripts(t, shipped))
}

// scripts are all scripts under testdata/script and the words they use.
func scripts(t *testing.T, shipped string) testscript.Params {
	return testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			env.Setenv("SHIPPED", shipped)
			env.Setenv("LANG", "C")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"shipped":   copyShipped,
			"freeport":  freePort,
			"mails":     countMails,
			"internet":  internet(t),
			"calendars": calendars,
			"uid":       uid,
			"signed":    signed,
			"dkimkey":   dkimkey,
			"receiver":  receiver,
			"within":    within,
			"arrives":   arrives,
			"shows":     shows,
			"answers":   answers,
			"captures":  captures,
			"scheduled": scheduled,
			"downloads": downloads,
			"serving":   serving,
			"expand":    expand,
			"until":     until,
		},
		RequireExplicitExec: true,
	}
}

// exits N COMMAND…: the command ends with exit code N.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if (code == want) == neg {
		ts.Fatalf("exit code %d", code)
	}
}

// until PATTERN COMMAND…: runs the command again and again until its output has
// the pattern.
func until(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		ts.Check(ts.Exec(args[1], args[2:]...))
		if pattern.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("nothing in the output is like %s", pattern)
		}
	}
}

// shipped NAME…: copies files and folders that ship into the work folder.
func copyShipped(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		from := filepath.Join(ts.Getenv("SHIPPED"), name)
		ts.Check(filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			rel, err := filepath.Rel(ts.Getenv("SHIPPED"), path)
			if err != nil {
				return err
			}
			target := ts.MkAbs(rel)
			if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(target, data, 0o644)
		}))
	}
}

// freeport NAME: sets NAME to a port of 127.0.0.1 that nobody has.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Check(l.Close())
	ts.Setenv(args[0], port)
}

// mails DIR N: the folder holds N captured mails.
func countMails(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	found, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.eml"))
	ts.Check(err)
	if len(found) != want {
		ts.Fatalf("%s holds %d mails, want %d", args[0], len(found), want)
	}
}
