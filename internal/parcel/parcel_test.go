package parcel_test

import (
	"bytes"
	"context"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hongyan/internal/parcel"
)

var brochure = bytes.Repeat([]byte("鸿雁传书。\n"), 20_000)

const brochureName = "产品手册 2026.pdf"

// folder is a depot in a folder, with the listener that its links lead to.
func folder(t *testing.T) (depot *parcel.Depot, dir string) {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	public, err := url.Parse(server.URL + "/files")
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(t.TempDir(), "parcels")
	depot, err = parcel.Open(t.Context(), parcel.Options{At: dir, Public: public, Key: []byte("a key of thirty-two bytes, or so")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { depot.Close() })
	mux.Handle("/files", depot.Handler())
	return depot, dir
}

func leave(t *testing.T, depot *parcel.Depot) parcel.Parcel {
	t.Helper()
	p, err := depot.Wrap(bytes.NewReader(brochure), brochureName)
	if err == nil {
		err = p.Leave(t.Context(), bytes.NewReader(brochure))
	}
	if err != nil {
		t.Fatal(err)
	}
	if p.Size != int64(len(brochure)) {
		t.Errorf("size %d", p.Size)
	}
	return p
}

func link(t *testing.T, p parcel.Parcel, expires time.Duration) string {
	t.Helper()
	l, err := p.Link(t.Context(), expires)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func fetch(t *testing.T, method, link string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, link, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, body
}

// follows holds a good link to giving back the file under its own name.
func follows(t *testing.T, link string) {
	t.Helper()
	answer, body := fetch(t, http.MethodGet, link)
	if answer.StatusCode != http.StatusOK || !bytes.Equal(body, brochure) {
		t.Errorf("%s, %d bytes of %d", answer.Status, len(body), len(brochure))
	}
	_, params, err := mime.ParseMediaType(answer.Header.Get("Content-Disposition"))
	if err != nil || params["filename"] != brochureName {
		t.Errorf("it is saved as %q (%v)", params["filename"], err)
	}
	if got := answer.Header.Get("Content-Type"); got != "application/pdf" {
		t.Errorf("Content-Type %s", got)
	}
}

func TestALinkToAFolderGivesTheFileUnderItsOwnName(t *testing.T) {
	t.Parallel()
	depot, _ := folder(t)
	follows(t, link(t, leave(t, depot), time.Hour))
}

func TestAFileIsUploadedOnce(t *testing.T) {
	t.Parallel()
	depot, dir := folder(t)
	leave(t, depot)
	var before []os.FileInfo
	for range 2 {
		var now []os.FileInfo
		_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				info, _ := d.Info()
				now = append(now, info)
			}
			return err
		})
		for i := range before {
			if !os.SameFile(before[i], now[i]) || before[i].ModTime() != now[i].ModTime() {
				t.Errorf("%s was written again", now[i].Name())
			}
		}
		if len(now) != 2 { // the file and what is known about it
			t.Errorf("%d files", len(now))
		}
		before = now
		leave(t, depot)
	}
}

func TestAChangedLinkLeadsNowhere(t *testing.T) {
	t.Parallel()
	depot, _ := folder(t)
	p := leave(t, depot)
	good := link(t, p, time.Hour)
	for name, bad := range map[string]string{
		"another file":  strings.Replace(good, "2026", "2027", 1),
		"longer":        strings.Replace(good, "expiry=1", "expiry=2", 1),
		"no signature":  good[:strings.Index(good, "signature=")] + "signature=",
		"nothing at it": good[:strings.Index(good, "?")],
	} {
		if answer, body := fetch(t, http.MethodGet, bad); answer.StatusCode != http.StatusNotFound || bytes.Contains(body, brochure[:20]) {
			t.Errorf("%s: %s", name, answer.Status)
		}
	}
	if answer, _ := fetch(t, http.MethodPut, good); answer.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %s", answer.Status)
	}
	if answer, body := fetch(t, http.MethodHead, good); answer.StatusCode != http.StatusOK || len(body) > 0 || answer.ContentLength != int64(len(brochure)) {
		t.Errorf("HEAD: %s, %d", answer.Status, answer.ContentLength)
	}
}

func TestALinkEnds(t *testing.T) {
	t.Parallel()
	depot, _ := folder(t)
	short := link(t, leave(t, depot), time.Second)
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); {
		if answer, _ := fetch(t, http.MethodGet, short); answer.StatusCode == http.StatusNotFound {
			return
		}
	}
	t.Error("a link of a second is good after ten")
}

func TestAFolderNeedsAPublicAddress(t *testing.T) {
	t.Parallel()
	if _, err := parcel.Open(context.Background(), parcel.Options{At: t.TempDir()}); err == nil {
		t.Error("it was opened")
	}
}
