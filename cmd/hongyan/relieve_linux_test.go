package main

import (
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// Without t.Parallel: what runs beside it reads the program's file too.
func TestWhatStartingHasReadIsLetGo(t *testing.T) {
	for pc := reflect.ValueOf(relieve).Pointer(); runtime.FuncForPC(pc) != nil; pc -= 4 << 10 {
		_ = runtime.FuncForPC(pc).Name() // which is read from all over the file
	}
	before := ownFile(t)
	relieve()
	if after := ownFile(t); after > before*3/4 {
		t.Errorf("%d kB of the program's file were in memory, and then %d", before, after)
	}
}

// ownFile is how many kB of files are mapped into memory (proc(5)).
func ownFile(t *testing.T) (kb int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssFile:")
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb
}
