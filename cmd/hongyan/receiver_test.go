package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver NAME FILE: a server on loopback until the script ends. NAME is its
// address; FILE gets what it is sent: spans of OTLP as a line each, all else as
// it comes. Below /broken it is out of order.
func receiver(ts *testscript.TestScript, _ bool, args []string) {
	file, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		text := string(body)
		spans := r.Header.Get("Content-Type") == "application/x-protobuf"
		if spans {
			text = spansIn(body)
		}
		fmt.Fprintf(file, "%s %s\n%s\n", r.Method, r.URL, text)
		if strings.HasPrefix(r.URL.Path, "/broken") {
			w.WriteHeader(http.StatusBadRequest)
		}
		if !spans {
			fmt.Fprint(w, `{"errcode":0,"code":0}`)
		}
	}))
	ts.Defer(func() { server.Close(); file.Close() })
	ts.Setenv(args[0], server.URL)
}

func spansIn(body []byte) string {
	var in collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &in); err != nil {
		return err.Error()
	}
	var out strings.Builder
	for _, resource := range in.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				fmt.Fprintf(&out, "span %x %s %s\n", s.TraceId, s.Name, s.Status.GetMessage())
			}
		}
	}
	return out.String()
}

// within PATTERN FROM TO: what the pattern's group finds in one file stands in
// the other.
func within(ts *testscript.TestScript, _ bool, args []string) {
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	found := pattern.FindAllStringSubmatch(ts.ReadFile(args[1]), -1)
	if len(found) == 0 {
		ts.Fatalf("nothing in %s is like %s", args[1], pattern)
	}
	to := ts.ReadFile(args[2])
	for _, groups := range found {
		if !strings.Contains(to, groups[1]) {
			ts.Fatalf("%s has no %q:\n%s", args[2], groups[1], to)
		}
	}
}
