package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"

	"github.com/emersion/go-message"
	"github.com/rogpeppe/go-internal/testscript"
)

// downloads DIR FILE: the link of each captured mail of the folder leads to the
// file's bytes, and changed by one character to nothing.
func downloads(ts *testscript.TestScript, _ bool, args []string) {
	want, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.eml"))
	ts.Check(err)
	for _, file := range files {
		eachPart(ts, file, func(part *message.Entity) {
			if kind, _, _ := part.Header.ContentType(); kind != "text/plain" {
				return
			}
			text, err := io.ReadAll(part.Body)
			ts.Check(err)
			link := string(regexp.MustCompile(`http://127\S+/files\?\S+`).Find(text))
			if status, got := download(ts, link); status != http.StatusOK || !bytes.Equal(got, want) {
				ts.Fatalf("%s: %d, %q", link, status, got)
			}
			if status, _ := download(ts, link[:len(link)-1]); status != http.StatusNotFound {
				ts.Fatalf("a changed link: %d", status)
			}
		})
	}
	if len(files) == 0 {
		ts.Fatalf("%s has no mails", args[0])
	}
}

func download(ts *testscript.TestScript, link string) (int, []byte) {
	answer, err := http.Get(link) //nolint:noctx // the script has a deadline
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	return answer.StatusCode, body
}
