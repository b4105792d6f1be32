package parcel

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// patience is how long a download may take.
const patience = time.Hour

// Handler answers the links of a folder; nil for a bucket, which answers its
// own. It tells nobody why a link is not good, and the browser to save and
// never to show what it gets.
func (d *Depot) Handler() http.Handler {
	if d.signer == nil {
		return nil
	}
	return http.HandlerFunc(d.serve)
}

func (d *Depot) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	key, err := d.signer.KeyFromURL(r.Context(), r.URL)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	bucket, err := d.shelves()
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	file, err := bucket.NewReader(r.Context(), key, nil)
	switch {
	case gcerrors.Code(err) == gcerrors.NotFound:
		http.NotFound(w, r)
		return
	case err != nil:
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	defer file.Close()
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience)) // a server without deadlines waits anyway
	head(w, r, bucket, key)
	w.Header().Set("Content-Length", strconv.FormatInt(file.Size(), 10))
	if r.Method == http.MethodGet {
		_, _ = io.Copy(w, file) // who hangs up has what he wanted
	}
}

func head(w http.ResponseWriter, r *http.Request, bucket *blob.Bucket, key string) {
	header := w.Header()
	header.Set("Cache-Control", "private, no-store")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex")
	header.Set("Content-Disposition", "attachment")
	header.Set("Content-Type", "application/octet-stream")
	if a, err := bucket.Attributes(r.Context(), key); err == nil {
		header.Set("Content-Disposition", a.ContentDisposition)
		header.Set("Content-Type", a.ContentType)
	}
}
