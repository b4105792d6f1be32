// Package change tells what an issue is made of now from what it was made of when
// it began: inputs by their fingerprints, the list by its rows.
//
// It must never know what the inputs are for.
package change

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"unicode/utf8"
)

// A Change is an input of an issue that is not what it was; the fingerprint of
// one that was not there, or is not there any more, is "".
type Change struct{ Name, Before, Now string }

// String is a line: + new, - gone, ~ another.
func (c Change) String() string {
	switch {
	case c.Before == "":
		return "+ " + c.Name
	case c.Now == "":
		return "- " + c.Name
	}
	return fmt.Sprintf("~ %s (%.8s → %.8s)", c.Name, c.Before, c.Now)
}

// Difference lists the inputs that are not what they were, by their digests.
func Difference(before, now map[string]string) (changes []Change) {
	names := maps.Clone(before)
	if names == nil {
		names = map[string]string{}
	}
	maps.Copy(names, now)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if before[name] != now[name] {
			changes = append(changes, Change{name, before[name], now[name]})
		}
	}
	return changes
}

// Sum is the fingerprint of some bytes.
func Sum(src []byte) string {
	sum := sha256.Sum256(src)
	return hex.EncodeToString(sum[:])
}

// Digest is the fingerprint of a file.
func Digest(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// maxKept is how many bytes a text may have that is kept to be compared.
const maxKept = 256 << 10

// Text reads a file that people read; of any other, and of none, it returns nil.
func Text(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() > maxKept {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil || !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
		return nil, err
	}
	return text, nil
}
