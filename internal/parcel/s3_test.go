package parcel_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hongyan/internal/parcel"
)

// bucket is a depot in a bucket of a real S3-compatible server, versitygw, built
// from its module and serving a folder on loopback until the test ends.
func bucket(t *testing.T) *parcel.Depot {
	t.Helper()
	dir := t.TempDir()
	program := filepath.Join(dir, "versitygw")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../tools/s3", "-o", program, "github.com/versity/versitygw/cmd/versitygw")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build versitygw: %v\n%s", err, out)
	}
	address := free(t)
	if err := os.MkdirAll(filepath.Join(dir, "root", "parcels"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	server := exec.CommandContext(ctx, program, "--port", address, "--access", "hongyan", "--secret", "a secret of hongyan", "--quiet",
		"posix", "--sidecar", filepath.Join(dir, "meta"), filepath.Join(dir, "root"))
	if err := os.MkdirAll(filepath.Join(dir, "meta"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(); _ = server.Wait() })
	answers(t, address)

	t.Setenv("AWS_ACCESS_KEY_ID", "hongyan")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "a secret of hongyan")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	depot, err := parcel.Open(t.Context(), parcel.Options{
		At: "s3://parcels?region=us-east-1&use_path_style=true&endpoint=http://" + address,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { depot.Close() })
	return depot
}

// free is an address on loopback that nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func answers(t *testing.T, address string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/", address), nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			answer.Body.Close()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("versitygw does not answer")
		}
	}
}

func TestALinkToABucketGivesTheFileUnderItsOwnName(t *testing.T) {
	depot := bucket(t)
	if depot.Handler() != nil {
		t.Error("a bucket answers for itself")
	}
	p := leave(t, depot)
	follows(t, link(t, p, time.Hour))
	follows(t, link(t, leave(t, depot), parcel.LongestS3))

	if answer, _ := fetch(t, http.MethodGet, link(t, p, time.Hour)+"0"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("a changed signature: %s", answer.Status)
	}
	short := link(t, p, time.Second)
	for until := time.Now().Add(10 * time.Second); ; {
		if answer, _ := fetch(t, http.MethodGet, short); answer.StatusCode == http.StatusForbidden {
			break
		}
		if time.Now().After(until) {
			t.Fatal("a link of a second is good after ten")
		}
	}
}
