package login

import (
	"context"
	_ "embed"
	"errors"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"hongyan/internal/ledger"
)

// Where the password lies: shelf and name.
const (
	doorShelf = "door"
	password  = "password"
)

// Bounds of a password, in characters. ASVS 6.2.1 wants at least 8 and 6.2.9 at
// least 64 to be allowed; of what kinds they are is nobody's business (6.2.5).
const (
	Shortest = 8
	Longest  = 256
)

// ErrLength is a password that is too short or too long.
var ErrLength = errors.New("a password has from 8 to 256 characters")

// ErrKnown is a password that is found in a moment by whoever tries what people
// take, our own name first.
var ErrKnown = errors.New("that password is among the first that anybody tries")

// common are 5,000 passwords that most people have, of 8 characters or more, and
// some of China. ASVS 6.2.4 wants at least 3,000 of them refused. The list is
// zxcvbn's (MIT, Dropbox); the library would weigh them better, and costs every
// start of the program its dictionaries.
//
//go:embed common.txt
var common string

// known reports whether somebody who tries such lists has a password soon: it is
// of the list, nothing but one character, or our own name with something about it
// (ASVS 6.2.11).
func known(plain string) bool {
	plain = strings.ToLower(plain)
	name := strings.TrimFunc(plain, func(r rune) bool { return !unicode.IsLetter(r) })
	rest := strings.NewReplacer("hongyan", "", "鸿雁", "", "dashboard", "").Replace(name)
	first, _ := utf8.DecodeRuneInString(plain)
	return rest == "" && name != "" || strings.Trim(plain, string(first)) == "" || strings.Contains("\n"+common, "\n"+plain+"\n")
}

// SetPassword keeps the hash of a password in the place of the one before.
func SetPassword(ctx context.Context, shelf ledger.Shelf, plain string) error {
	if n := utf8.RuneCountInString(plain); n < Shortest || n > Longest {
		return ErrLength
	}
	if known(plain) {
		return ErrKnown
	}
	// The parameters are those that RFC 9106 §4 recommends second.
	hash, err := argon2id.CreateHash(plain, &argon2id.Params{
		Memory: 64 << 10, Iterations: 3, Parallelism: 4, SaltLength: 16, KeyLength: 32,
	})
	if err != nil {
		return err
	}
	return shelf.Put(ctx, doorShelf, password, []byte(hash))
}

// DropPassword lets everybody in again who reaches the door on this machine, and
// nobody by a door that others reach.
func DropPassword(ctx context.Context, shelf ledger.Shelf) error {
	return shelf.Discard(ctx, doorShelf, password)
}

// HasPassword reports whether there is a password.
func HasPassword(ctx context.Context, shelf ledger.Shelf) (bool, error) {
	hash, err := shelf.Paper(ctx, doorShelf, password)
	return hash != nil, err
}

// A scale weighs passwords, few at a time: each takes 64 MiB for a moment.
type scale struct{ seats chan struct{} }

func newScale() scale { return scale{make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))} }

// weigh compares in constant time.
func (s scale) weigh(ctx context.Context, plain, hash string) (bool, error) {
	select {
	case s.seats <- struct{}{}:
		defer func() { <-s.seats }()
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	if utf8.RuneCountInString(plain) > Longest {
		return false, nil
	}
	return argon2id.ComparePasswordAndHash(plain, hash)
}
