// Package parcel keeps files that are too big for a mail, uploaded once under
// the hash of their contents, and gives out links to them that end. A depot is
// a folder of this machine, whose links the public listener of hongyan serve
// answers, or a bucket of an S3-compatible storage, whose links are the
// storage's own.
//
// The room must never know mails, campaigns or recipients.
package parcel

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/driver"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/s3blob" // registers s3://
)

// LongestS3 is how long a link of S3 may be good.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
const LongestS3 = 7 * 24 * time.Hour

// Options say where a depot is.
type Options struct {
	// At is a folder's path, or s3://BUCKET with the parameters region, endpoint
	// and use_path_style; who may write there says the environment
	// (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY …).
	At string
	// Public is where Handler is reached from outside; required for a folder.
	Public *url.URL
	// Key signs the links of a folder: whoever has it can make them.
	Key []byte
}

// IsS3 reports whether the depot is a bucket.
func (o Options) IsS3() bool { return strings.HasPrefix(o.At, "s3://") }

// Longest is how long a link of the depot may be good; 0: as long as one likes.
func (o Options) Longest() time.Duration {
	if o.IsS3() {
		return LongestS3
	}
	return 0
}

// A Depot keeps parcels. It may be used by many goroutines at once.
type Depot struct {
	folder string                  // "" for a bucket
	signer *fileblob.URLSignerHMAC // nil: the storage signs

	mu     sync.Mutex
	bucket *blob.Bucket // nil: the folder was not asked for yet
}

// Open opens a depot; a missing folder is made when something is left in it.
// Close ends the depot's use.
func Open(ctx context.Context, o Options) (*Depot, error) {
	if o.IsS3() {
		bucket, err := blob.OpenBucket(ctx, o.At)
		if err != nil {
			return nil, fmt.Errorf("storage %s: %w", bare(o.At), err)
		}
		return &Depot{bucket: bucket}, nil
	}
	if o.Public == nil || len(o.Key) == 0 {
		return nil, fmt.Errorf("storage %s: a folder needs the address under which it is public", o.At)
	}
	folder, err := filepath.Abs(o.At)
	if err != nil {
		return nil, err
	}
	return &Depot{folder: folder, signer: fileblob.NewURLSignerHMAC(o.Public, o.Key)}, nil
}

// shelves is the bucket, or the folder as one.
func (d *Depot) shelves() (*blob.Bucket, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bucket != nil {
		return d.bucket, nil
	}
	var err error
	d.bucket, err = fileblob.OpenBucket(d.folder, &fileblob.Options{CreateDir: true, DirFileMode: 0o700, NoTempDir: true})
	return d.bucket, err
}

// bare is a storage's URL without its parameters.
func bare(at string) string {
	at, _, _ = strings.Cut(at, "?")
	return at
}

// Close ends the use of the depot.
func (d *Depot) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.bucket == nil {
		return nil
	}
	return d.bucket.Close()
}

// A Parcel is a file that lies in a depot.
type Parcel struct {
	depot *Depot
	Key   string // by which the depot finds it again
	Name  string // as it is saved by whoever follows the link
	Size  int64  // bytes; 0 when it was found by its key
}

// Find returns a parcel that was left under a key.
func (d *Depot) Find(key string) Parcel {
	return Parcel{depot: d, Key: key, Name: key[strings.IndexByte(key, '/')+1:]}
}

// Wrap makes a parcel of a file, which is read and not yet uploaded.
func (d *Depot) Wrap(file io.Reader, name string) (Parcel, error) {
	hash := sha256.New()
	size, err := io.Copy(hash, file)
	if err != nil {
		return Parcel{}, fmt.Errorf("read %s: %w", name, err)
	}
	return Parcel{depot: d, Key: keyOf(hash.Sum(nil), name), Name: name, Size: size}, nil
}

// Leave uploads the file that the parcel was made of, unless the depot has it.
func (p Parcel) Leave(ctx context.Context, file io.Reader) error {
	bucket, err := p.depot.shelves()
	if err != nil {
		return wrap(p, err)
	}
	there, err := has(ctx, bucket, p)
	if err != nil || there {
		return wrap(p, err)
	}
	return wrap(p, bucket.Upload(ctx, p.Key, file, &blob.WriterOptions{
		ContentType:        typeOf(p.Name),
		ContentDisposition: mime.FormatMediaType("attachment", map[string]string{"filename": p.Name}),
	}))
}

func has(ctx context.Context, bucket *blob.Bucket, p Parcel) (bool, error) {
	there, err := bucket.Exists(ctx, p.Key)
	if err != nil || !there {
		return false, err
	}
	attributes, err := bucket.Attributes(ctx, p.Key)
	return err == nil && attributes.Size == p.Size, err
}

// keyOf names a parcel by its contents; the name behind it is for people.
func keyOf(sum []byte, name string) string {
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:20])) + "/" + name
}

func typeOf(name string) string {
	if t := mime.TypeByExtension(strings.ToLower(path.Ext(name))); t != "" {
		return t
	}
	return "application/octet-stream"
}

func wrap(p Parcel, err error) error {
	if err == nil {
		return nil
	}
	if pathError, ok := errors.AsType[*os.PathError](err); ok {
		err = pathError.Err
	}
	return fmt.Errorf("storage: %s: %w", p.Name, err)
}

// Link returns an address under which the parcel can be fetched until expires
// has passed. It asks nobody.
func (p Parcel) Link(ctx context.Context, expires time.Duration) (string, error) {
	if p.depot.signer == nil {
		link, err := p.depot.bucket.SignedURL(ctx, p.Key, &blob.SignedURLOptions{Expiry: expires})
		return link, wrap(p, err)
	}
	link, err := p.depot.signer.URLFromKey(ctx, p.Key, &driver.SignedURLOptions{Expiry: expires, Method: http.MethodGet})
	if err != nil {
		return "", wrap(p, err)
	}
	return link.String(), nil
}
