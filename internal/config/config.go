// Package config reads config.yaml and the environment into accounts, ready to
// be wired: each with its provider's preset below what the user wrote, its
// limits parsed, its secret still unread. It finds all faults at once, each
// with its line.
//
// Every key can be overridden by a variable: HONGYAN_ and the path of the key
// in capitals, levels parted by two underscores, as in HONGYAN_ACCOUNT or
// HONGYAN_ACCOUNTS__QQ__LIMITS__PER_DAY. In the name of an account everything
// but letters and digits is one underscore (qq-2: HONGYAN_ACCOUNTS__QQ_2__…),
// a list is written with commas, and an empty variable counts as none. Keys and
// account names do not depend on case.
//
// The room must never be imported by another one: configuration stops at the door.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/lint"
	"hongyan/internal/pace"
)

// Name is the file that Find looks for.
const Name = "config.yaml"

// Config is what the user said, complete and checked.
type Config struct {
	File     string             // as given; "" when there is none
	Dir      string             // what relative paths start from
	Account  string             // for campaigns that name none
	State    Place              // of the ledger: a folder, as a path, or postgres://…
	Accounts map[string]Account // by name, in lower case; "sandbox" is always there
	Theme    map[string]string
	Replies  []string // the user's files of reply rules, as paths
	Lang     string   // en, zh, or "" for what the machine says
	Retry    pace.Schedule
	Lint     lint.Options
	Trace    Trace
	Serve    Serve
	Notices  []Notice

	Unsubscribe Unsubscribe
	Storage     Storage // of files that mails link to
}

// Trace says where the ways of recipients are told.
type Trace struct {
	OTLP   string      // of an OpenTelemetry collector, over HTTP; "" = nowhere
	Sample pace.Window // how many of those without trouble
}

// Account is a mailbox to send from.
type Account struct {
	Name, Provider       string
	Address, DisplayName string
	Host                 string // "" for the sandbox
	Port                 int
	TLS                  string // implicit, starttls or none
	CAFile               string // of a private authority, as a path
	Username             string // "" when there is no login
	ServerName, Helo     string
	Insecure             bool // the user wants plain text beyond this machine
	Secret               Secret
	DKIM                 *DKIM       // nil: hongyan does not sign
	Limits               pace.Limits // the user's over the preset's
	Lanes                int         // that its work and limits are split over among workers; 1: not at all
	Quirks               Quirks
}

// Quirks are how a provider differs from the standard.
type Quirks struct {
	Frame      bool          // 16 binary bytes stand before answers after DATA, as at QQ
	Pipelining bool          // may be used when announced
	ListBare   bool          // its DKIM signature leaves List-Unsubscribe out
	MaxSize    int64         // of a message in bytes, as encoded; 0: what the server announces
	Idle       time.Duration // after which a connection is not used again; 0: no end
}

// Find returns the path of the config.yaml in dir or the nearest folder above
// it, "" if there is none.
func Find(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		file := filepath.Join(dir, Name)
		info, err := os.Stat(file)
		if err == nil && info.Mode().IsRegular() {
			return file, nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("look for %s: %w", Name, err)
		}
		if filepath.Dir(dir) == dir {
			return "", nil
		}
		dir = filepath.Dir(dir)
	}
}

// Load reads the file ("" for none: the sandbox account alone) and overrides it
// by the environment, given like os.Environ. All that is wrong comes as one
// fault.Faults.
func Load(file string, environ []string) (*Config, error) {
	src, err := read(file)
	if err != nil {
		return nil, err
	}
	if garbled := fault.NotUTF8(file, src); garbled != nil {
		return nil, fault.Faults{garbled}
	}
	tree, bad := parse(file, src)
	if len(bad) > 0 {
		return nil, bad
	}
	all, err := Presets()
	if err != nil {
		return nil, err
	}
	set, bad := overrides(environ, tree)
	tree.faults = append(tree.faults, bad...)
	values, err := merge(src, set)
	if err != nil && !tree.muddled && len(tree.faults) == 0 { // its text is left out: it may repeat a secret
		tree.at(0, "it is not valid YAML")
	}
	if err != nil || tree.muddled {
		return nil, tree.faults
	}
	b := builder{tree: tree, set: set, presets: all, environ: environ}
	c := b.config(file, values)
	if err := tree.faults.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

func read(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	src, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Faults{fault.At(file, 0, "there is no such file").
			Hinted("hongyan init writes one; without --config the nearest config.yaml counts")}
	}
	return src, err
}
