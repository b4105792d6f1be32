package unsubscribe

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"hongyan/internal/ledger"
)

// A Shelf is where the keys lie. Every ledger is one; see [ledger.Shelf] for
// the promises.
type Shelf interface {
	PutNew(ctx context.Context, shelf, name string, body []byte) (bool, error)
	Papers(ctx context.Context, shelf string) iter.Seq2[ledger.Paper, error]
}

const (
	keyShelf = "unsubscribe-keys"
	// turnover is how long a key makes new tokens.
	turnover = 90 * 24 * time.Hour
	// validity is how long a key opens tokens, from its birth: the youngest link
	// that it made is good for a year and nine months.
	validity = 2 * 365 * 24 * time.Hour
)

// A Keyring makes and opens tokens. It is safe for concurrent use.
//
// A token is one byte of version, two of key number, and what AES-256-GCM makes
// of the list and the address; the nonce is an HMAC-SHA256 over the same, so
// that a recipient has one token per list and key and two recipients never
// share a nonce. Nobody without the key can make a token, change one, or read
// one; the tag has 128 bits.
type Keyring struct {
	shelf Shelf // nil: the keys live in memory only

	mu     sync.RWMutex
	keys   map[uint16]*key
	newest uint16
}

type key struct {
	number uint16
	born   time.Time
	aead   cipher.AEAD
	nonce  []byte // key of the HMAC
}

// OpenKeyring reads the keys from the shelf, and puts a new one there when the
// newest is too old at now, or there is none.
func OpenKeyring(ctx context.Context, shelf Shelf, now time.Time) (*Keyring, error) {
	k := &Keyring{shelf: shelf, keys: map[uint16]*key{}}
	if err := k.read(ctx); err != nil {
		return nil, err
	}
	if newest := k.keys[k.newest]; newest != nil && now.Sub(newest.born) < turnover {
		return k, nil
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	if _, err := shelf.PutNew(ctx, keyShelf, fmt.Sprintf("%05d", k.newest+1), secret); err != nil {
		return nil, fmt.Errorf("keys of unsubscribe links: %w", err)
	}
	return k, k.read(ctx) // whoever put it there
}

// Rehearsal makes the keyring of mails that are only looked at. It is no secret,
// so that such mails look the same each time; no other keyring opens its tokens.
func Rehearsal() *Keyring {
	k := &Keyring{keys: map[uint16]*key{}}
	k.add(0, make([]byte, 32), time.Now())
	return k
}

// read takes up the keys that lie on the shelf.
func (k *Keyring) read(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for paper, err := range k.shelf.Papers(ctx, keyShelf) {
		if err != nil {
			return fmt.Errorf("keys of unsubscribe links: %w", err)
		}
		number, err := strconv.ParseUint(paper.Name, 10, 16)
		if err != nil || len(paper.Body) != 32 {
			return fmt.Errorf("keys of unsubscribe links: paper %q is no key", paper.Name)
		}
		k.add(uint16(number), paper.Body, paper.At)
	}
	k.newest = 0
	if len(k.keys) > 0 {
		k.newest = slices.Max(slices.Collect(maps.Keys(k.keys)))
	}
	return nil
}

func (k *Keyring) add(number uint16, secret []byte, born time.Time) {
	block, err := aes.NewCipher(derive(secret, "seal"))
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the block size of GCM
	}
	k.keys[number] = &key{number: number, born: born, aead: aead, nonce: derive(secret, "nonce")}
	k.newest = max(k.newest, number)
}

// derive makes keys for two purposes of one secret.
func derive(secret []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("hongyan unsubscribe " + purpose))
	return mac.Sum(nil)
}

const (
	version  = 1
	header   = 3 // version and number of the key
	nonceLen = 12
	maxToken = 1 << 10
)

// Seal makes the token of an address on a list.
func (k *Keyring) Seal(list, address string) string {
	k.mu.RLock()
	with := k.keys[k.newest]
	k.mu.RUnlock()
	plain := []byte(list + "\x00" + ledger.Folded(address))
	mac := hmac.New(sha256.New, with.nonce)
	mac.Write(plain)
	out := append(make([]byte, 0, header+nonceLen+len(plain)+16), version)
	out = binary.BigEndian.AppendUint16(out, with.number)
	out = append(out, mac.Sum(nil)[:nonceLen]...)
	out = with.aead.Seal(out, out[header:], plain, out[:header])
	return tokenText.EncodeToString(out)
}

// tokenText stands in a URL as it is. Strict, so that a token has one spelling.
var tokenText = base64.RawURLEncoding.Strict()

// Open returns what a token is about; false for whatever is no token of ours,
// or one of a key that is no longer good at now.
func (k *Keyring) Open(ctx context.Context, token string, now time.Time) (list, address string, ok bool) {
	if len(token) > maxToken {
		return "", "", false
	}
	raw, err := tokenText.DecodeString(token)
	if err != nil || len(raw) < header+nonceLen || raw[0] != version {
		return "", "", false
	}
	with := k.find(ctx, binary.BigEndian.Uint16(raw[1:]))
	if with == nil || now.Sub(with.born) > validity {
		return "", "", false
	}
	sealed := raw[header:]
	plain, err := with.aead.Open(nil, sealed[:nonceLen], sealed[nonceLen:], raw[:header])
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(plain), "\x00")
}

// find returns a key. One that is not known yet may have been put on the shelf
// by another process since.
func (k *Keyring) find(ctx context.Context, number uint16) *key {
	k.mu.RLock()
	with, newest := k.keys[number], k.newest
	k.mu.RUnlock()
	if with != nil || k.shelf == nil || number != newest+1 {
		return with
	}
	if err := k.read(ctx); err != nil {
		return nil
	}
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.keys[number]
}
