package main

import (
	"testing"

	"hongyan/internal/list"
)

func TestAPlanSaysOneThingAsOne(t *testing.T) {
	t.Parallel()
	a := list.Assumed{Format: "XLSX", EmailColumn: "email", HiddenRows: 1}
	if got, want := readAs(a, 1).String(), "XLSX, 1 row, e-mail column email, 1 hidden row is read too"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	a.HiddenRows = 2
	if got, want := readAs(a, 3).String(), "XLSX, 3 rows, e-mail column email, 2 hidden rows are read too"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
