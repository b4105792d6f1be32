package main

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-message"
	"github.com/emersion/go-msgauth/dkim"
	"github.com/rogpeppe/go-internal/testscript"
)

// calendars DIR PATTERN…: one captured mail of the folder has a calendar that
// matches every pattern.
func calendars(ts *testscript.TestScript, neg bool, args []string) {
	found := false
	for _, ics := range calendarsIn(ts, args[0]) {
		all := true
		for _, pattern := range args[1:] {
			all = all && regexp.MustCompile(pattern).MatchString(ics)
		}
		found = found || all
	}
	if found == neg {
		ts.Fatalf("%s: calendars that match: %v", args[0], found)
	}
}

// uid DIR NAME: sets NAME to the UID of the folder's only calendar.
func uid(ts *testscript.TestScript, _ bool, args []string) {
	all := calendarsIn(ts, args[0])
	if len(all) != 1 {
		ts.Fatalf("%s has %d calendars", args[0], len(all))
	}
	ts.Setenv(args[1], regexp.MustCompile(`UID:(\S+)`).FindStringSubmatch(all[0])[1])
}

// calendarsIn returns the unfolded calendars of a folder of captured mails.
func calendarsIn(ts *testscript.TestScript, dir string) (out []string) {
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(dir), "*.eml"))
	ts.Check(err)
	for _, file := range files {
		eachPart(ts, file, func(part *message.Entity) {
			if kind, _, _ := part.Header.ContentType(); kind == "text/calendar" {
				text, err := io.ReadAll(part.Body)
				ts.Check(err)
				out = append(out, strings.NewReplacer("\r\n ", "", "\n ", "").Replace(string(text)))
			}
		})
	}
	return out
}

func eachPart(ts *testscript.TestScript, file string, look func(*message.Entity)) {
	f, err := os.Open(file)
	ts.Check(err)
	defer f.Close()
	mail, err := message.Read(f)
	ts.Check(err)
	ts.Check(mail.Walk(func(_ []int, part *message.Entity, err error) error {
		if err == nil {
			look(part)
		}
		return err
	}))
}

// signed DIR N: of the folder's captured mails, N carry a DKIM signature that
// holds under the public key of dkim.pem, over List-Unsubscribe as well.
func signed(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	files, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "*.eml"))
	ts.Check(err)
	block, _ := pem.Decode([]byte(ts.ReadFile("dkim.pem")))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	ts.Check(err)
	public := base64.StdEncoding.EncodeToString(key.(ed25519.PrivateKey).Public().(ed25519.PublicKey))
	good := 0
	for _, file := range files {
		found, err := dkim.VerifyWithOptions(strings.NewReader(ts.ReadFile(file)), &dkim.VerifyOptions{
			LookupTXT: func(string) ([]string, error) { return []string{"v=DKIM1; k=ed25519; p=" + public}, nil },
		})
		ts.Check(err)
		for _, v := range found {
			covers := slices.ContainsFunc(v.HeaderKeys, func(k string) bool { return strings.EqualFold(k, "List-Unsubscribe") })
			if v.Err == nil && v.Domain == "example.com" && covers {
				good++
			}
		}
	}
	if good != want {
		ts.Fatalf("%d good signatures in %d mails, want %d", good, len(files), want)
	}
}

// dkimkey FILE: writes a new private key that only its owner may read.
func dkimkey(ts *testscript.TestScript, _ bool, args []string) {
	_, key, err := ed25519.GenerateKey(nil)
	ts.Check(err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
}
