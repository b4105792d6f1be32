package login

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"hongyan/internal/ledger"
)

// What a token is good for.
const (
	Read = "read"
	Act  = "act"
)

const tokenShelf = "token"

// A Token lets a program in. The secret itself is nowhere kept.
type Token struct {
	Name string    `json:"-"`
	Role string    `json:"role"` // Read or Act
	Hash string    `json:"hash"` // SHA-256 of the secret; it has 128 random bits or more, so that none slower is needed
	By   string    `json:"by"`   // who made it
	At   time.Time `json:"at"`
}

// ErrTaken is a name that another token has.
var ErrTaken = errors.New("there is a token of that name already")

// NewToken makes a token and returns the secret, which is shown once.
func NewToken(ctx context.Context, shelf ledger.Shelf, t Token) (secret string, err error) {
	secret = "hy_" + rand.Text() + rand.Text()
	t.Hash, t.At = fingerprint(secret), cmp.Or(t.At, time.Now().UTC().Truncate(time.Second))
	body, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	fresh, err := shelf.PutNew(ctx, tokenShelf, t.Name, body)
	if err == nil && !fresh {
		err = ErrTaken
	}
	if err != nil {
		return "", err
	}
	return secret, nil
}

// Tokens lists the tokens by name.
func Tokens(ctx context.Context, shelf ledger.Shelf) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		for paper, err := range shelf.Papers(ctx, tokenShelf) {
			t := Token{Name: paper.Name}
			if err == nil {
				if err = json.Unmarshal(paper.Body, &t); err != nil {
					err = fmt.Errorf("token %s: %w", paper.Name, err)
				}
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
}

// Revoke ends a token at once; false: there was none of that name.
func Revoke(ctx context.Context, shelf ledger.Shelf, name string) (bool, error) {
	body, err := shelf.Paper(ctx, tokenShelf, name)
	if err != nil || body == nil {
		return false, err
	}
	return true, shelf.Discard(ctx, tokenShelf, name)
}

// holder finds whose secret it is, in a time that tells nothing of any.
func holder(ctx context.Context, shelf ledger.Shelf, secret string) (found Token, ok bool, err error) {
	given := []byte(fingerprint(secret))
	for t, err := range Tokens(ctx, shelf) {
		if err != nil {
			return Token{}, false, err
		}
		if subtle.ConstantTimeCompare([]byte(t.Hash), given) == 1 {
			found, ok = t, true
		}
	}
	return found, ok, nil
}

func fingerprint(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// bearer is the secret in an Authorization header (RFC 6750 §2.1), "" if there is none.
func bearer(header string) string {
	scheme, secret, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(secret)
}
