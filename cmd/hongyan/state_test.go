package main

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"hongyan/internal/ledger/postgres/postgrestest"
)

// TestCommandsOnPostgreSQL runs some of the scripts of TestCommands once more,
// with the ledger in a database: every command does the same.
func TestCommandsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	shipped, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	server := postgrestest.Start(t, false)
	p := scripts(t, shipped)
	p.Dir = ""
	for _, name := range []string{"doubt", "hold", "nowait", "consent", "faults"} {
		p.Files = append(p.Files, filepath.Join("testdata", "script", name+".txtar"))
	}
	for _, name := range []string{"worker", "limits", "lacking", "unable", "heavy", "follow", "deserted", "orphans", "copy", "serve"} {
		p.Files = append(p.Files, filepath.Join("testdata", "shared", name+".txtar"))
	}
	setup := p.Setup
	p.Setup = func(env *testscript.Env) error {
		env.Setenv("HONGYAN_STATE", server.Place(t))
		return setup(env)
	}
	testscript.Run(t, p)
}
