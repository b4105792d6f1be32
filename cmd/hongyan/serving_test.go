package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// serving NAME DIR: a server on loopback has the files of DIR; its address is $NAME.
func serving(ts *testscript.TestScript, _ bool, args []string) {
	server := httptest.NewServer(http.FileServer(http.Dir(ts.MkAbs(args[1]))))
	ts.Defer(server.Close)
	ts.Setenv(args[0], server.URL)
}

// expand FILE…: what is $NAME in a file is the environment's.
func expand(ts *testscript.TestScript, _ bool, args []string) {
	for _, file := range args {
		file = ts.MkAbs(file)
		src, err := os.ReadFile(file)
		ts.Check(err)
		text := strings.NewReplacer("$SERVED", ts.Getenv("SERVED")).Replace(string(src))
		ts.Check(os.WriteFile(file, []byte(text), 0o600))
	}
}
