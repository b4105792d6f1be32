package internal_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "hongyan"

// rooms is the floor plan: each room and all that it may import of this
// module, of other modules (by their short name) and of the doors that lead
// out of the process. It is policy: a build that breaks it is mended in the
// code, or the plan is changed first and on purpose.
const rooms = `
	fault:
	outline:           fault yaml
	campaign:          data fault lint list outline schedule yaml os
	config:            fault lint outline pace list notice viper yaml keyring vault net net/http os os/exec
	list:              fault xtext idna excelize expr os
	render:            fault outline templates goldmark chroma emoji highlighting html runewidth barcode xtext yaml os
	message:           email dkim os
	lint:              fault html runewidth
	lint/online:       fault gate lint net net/http crypto/tls
	lint/online/onlinetest: net testing dnsmessage
	reply:             fault outline yaml
	smtp:              reply sasl xtext net crypto/tls
	sender:            reply smtp net crypto/tls syscall xunix
	pace:              fault rate
	ledger:
	ledger/sqlite:     ledger ledger/intake sqlite goose flock database/sql os
	ledger/postgres:   ledger ledger/intake pgx goose database/sql
	crew:              pgx river
	crew/board:        fault ledger ledger/postgres pace
	ledger/postgres/postgrestest: net os os/exec syscall testing
	ledger/intake:
	ledger/moving:
	ledger/ledgertest: ledger testing rapid
	unsubscribe:       ledger rate netutil xtext net net/http
	report:            catalogue fault ledger reply os
	catalogue:         fault gotext
	run:               ledger render message reply
	archive:           os
	parcel:            blob net/http os
	edition:           archive campaign edition/change edition/fresh fault ledger list message parcel render run unsubscribe os
	edition/change:    ledger list os
	edition/fresh:     campaign data fault ledger schedule
	proof:             edition fault ledger lint lint/online list message render os
	office:            ledger run
	preview:           message os
	preview/live:      preview fsnotify net net/http os
	preview/browser:   chromedp os os/exec testing
	sandbox:           yaml net crypto/tls os
	notice:            gate net net/http
	metrics:           ledger reply run prometheus net/http
	schedule:          fault ledger cron
	campaign/watch:    campaign fault fsnotify os
	trace:             ledger run otel rate
	web:               catalogue fault ledger list report web/login autocert netutil xtext crypto/tls net net/http os
	web/api:           catalogue fault ledger list web web/login net/http
	web/login:         ledger argon2id scs rate net net/http
	web/webtest:       fault ledger ledger/sqlite report web testing
	gate:              syscall
	data:              fault gate outline gofeed html xtext yaml net net/http crypto/tls os
	drill:
`

// modules gives the short name of every other module that a room uses.
var modules = map[string]string{
	"github.com/goccy/go-yaml":                 "yaml",
	"github.com/spf13/viper":                   "viper",
	"github.com/zalando/go-keyring":            "keyring",
	"github.com/hashicorp/vault/api":           "vault",
	"gocloud.dev":                              "blob",
	"golang.org/x/text":                        "xtext",
	"golang.org/x/net/idna":                    "idna",
	"golang.org/x/net/html":                    "html",
	"golang.org/x/net/dns/dnsmessage":          "dnsmessage",
	"golang.org/x/net/netutil":                 "netutil",
	"github.com/xuri/excelize/v2":              "excelize",
	"github.com/netresearch/go-cron":           "cron",
	"github.com/mmcdole/gofeed":                "gofeed",
	"github.com/expr-lang/expr":                "expr",
	"github.com/yuin/goldmark":                 "goldmark",
	"github.com/alecthomas/chroma/v2":          "chroma",
	"github.com/yuin/goldmark-emoji":           "emoji",
	"github.com/yuin/goldmark-highlighting/v2": "highlighting",
	"github.com/mattn/go-runewidth":            "runewidth",
	"github.com/boombuler/barcode":             "barcode",
	"github.com/jordan-wright/email":           "email",
	"github.com/emersion/go-msgauth":           "dkim",
	"github.com/emersion/go-sasl":              "sasl",
	"golang.org/x/sys":                         "xunix",
	"golang.org/x/time/rate":                   "rate",
	"modernc.org/sqlite":                       "sqlite",
	"github.com/pressly/goose/v3":              "goose",
	"github.com/gofrs/flock":                   "flock",
	"github.com/jackc/pgx/v5":                  "pgx",
	"github.com/riverqueue/river":              "river",
	"github.com/fsnotify/fsnotify":             "fsnotify",
	"github.com/chromedp/chromedp":             "chromedp",
	"github.com/prometheus/client_golang":      "prometheus",
	"go.opentelemetry.io/otel":                 "otel",
	"github.com/chromedp/cdproto":              "chromedp",
	"pgregory.net/rapid":                       "rapid",
	"github.com/leonelquinteros/gotext":        "gotext",
	"github.com/alexedwards/argon2id":          "argon2id",
	"golang.org/x/crypto/acme":                 "autocert",
	"github.com/alexedwards/scs/v2":            "scs",
}

// doors are the standard packages that reach outside the process.
var doors = []string{
	"crypto/tls", "database/sql", "log", "net", "net/http", "net/smtp",
	"os", "os/exec", "os/signal", "syscall", "testing",
}

// house is the floor plan beside what the walk through the rooms has met.
type house struct {
	plan map[string]map[string]bool
	docs map[string]int  // package comments of a room
	used map[string]bool // "room key": what a room imports
}

func TestHouse(t *testing.T) {
	h := house{plan: parsePlan(t), docs: map[string]int{}, used: map[string]bool{}}
	root := os.DirFS("..")
	err := fs.WalkDir(root, "internal", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || name == "internal/tools") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		return h.visit(t, root, name)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range slices.Sorted(maps.Keys(h.plan)) {
		if n := h.docs[room]; n != 1 {
			t.Errorf("room %s has %d package comments, want 1", room, n)
		}
		for _, key := range slices.Sorted(maps.Keys(h.plan[room])) {
			if !h.used[room+" "+key] {
				t.Errorf("room %s may import %s and does not", room, key)
			}
		}
	}
}

func (h house) visit(t *testing.T, root fs.FS, name string) error {
	src, err := fs.ReadFile(root, name)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly|parser.ParseComments)
	if err != nil {
		return err
	}
	if f.Name.Name == "main" { // a generator kept beside the data it makes; it is never built in
		return nil
	}
	room := strings.TrimPrefix(path.Dir(name), "internal/")
	if f.Doc != nil {
		h.docs[room]++
	}
	may, ok := h.plan[room]
	if !ok {
		t.Errorf("%s: there is no room %q in the plan", name, room)
		return nil
	}
	for _, spec := range f.Imports {
		key := doorOf(strings.Trim(spec.Path.Value, `"`))
		if key != "" && !may[key] {
			t.Errorf("%s: %s may not import %s", name, room, key)
		}
		h.used[room+" "+key] = true
	}
	return nil
}

// doorOf returns the name that an import path has in the plan, or "" if it is free to all.
func doorOf(name string) string {
	if room, ok := strings.CutPrefix(name, module+"/internal/"); ok {
		return room
	}
	if shared, ok := strings.CutPrefix(name, module+"/"); ok {
		return shared
	}
	for prefix, short := range modules {
		if name == prefix || strings.HasPrefix(name, prefix+"/") {
			return short
		}
	}
	first, _, _ := strings.Cut(name, "/")
	if slices.Contains(doors, name) || strings.Contains(first, ".") {
		return name
	}
	return ""
}

func parsePlan(t *testing.T) map[string]map[string]bool {
	t.Helper()
	out := map[string]map[string]bool{}
	for line := range strings.Lines(strings.TrimSpace(rooms)) {
		room, may, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			t.Fatalf("bad line in the plan: %q", line)
		}
		if out[room] != nil {
			t.Fatalf("the room %s stands in the plan twice", room)
		}
		out[room] = map[string]bool{}
		for name := range strings.FieldsSeq(may) {
			out[room][name] = true
		}
	}
	return out
}
