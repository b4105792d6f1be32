package unsubscribe_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/unsubscribe"
)

func keyring(t *testing.T, shelf unsubscribe.Shelf, now time.Time) *unsubscribe.Keyring {
	t.Helper()
	k, err := unsubscribe.OpenKeyring(t.Context(), shelf, now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// opens checks what a token is about at a time.
func opens(t *testing.T, k *unsubscribe.Keyring, token, list, address string, now time.Time) {
	t.Helper()
	gotList, gotAddress, ok := k.Open(t.Context(), token, now)
	if !ok || gotList != list || gotAddress != address {
		t.Errorf("the token is about %q, %q, %v", gotList, gotAddress, ok)
	}
}

func TestATokenCarriesListAndAddress(t *testing.T) {
	t.Parallel()
	now := time.Now()
	k := keyring(t, ledgertest.NewMemory(), now)
	for _, list := range []string{"news", "周报", ""} {
		opens(t, k, k.Seal(list, "Li@Example.com"), list, "li@example.com", now)
	}
	if k.Seal("news", "li@example.com") != k.Seal("news", "LI@example.com") {
		t.Error("a recipient has two tokens")
	}
	if k.Seal("news", "li@example.com") == k.Seal("offers", "li@example.com") {
		t.Error("two lists have one token")
	}
}

// TestATokenShowsNoAddress to whoever reads it on its way (S24).
func TestATokenShowsNoAddress(t *testing.T) {
	t.Parallel()
	token := unsubscribe.Rehearsal().Seal("news", "li@example.com")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for _, clear := range []string{"li@example.com", "example", "news"} {
		if bytes.Contains(raw, []byte(clear)) || strings.Contains(token, clear) {
			t.Errorf("it shows %q", clear)
		}
	}
}

// TestATokenOfAnotherKeyringIsNone: whoever has another ledger's keys, or none.
func TestATokenOfAnotherKeyringIsNone(t *testing.T) {
	t.Parallel()
	token := keyring(t, ledgertest.NewMemory(), time.Now()).Seal("news", "li@example.com")
	for name, k := range map[string]*unsubscribe.Keyring{
		"another ledger": keyring(t, ledgertest.NewMemory(), time.Now()), "a rehearsal": unsubscribe.Rehearsal(),
	} {
		if _, _, ok := k.Open(t.Context(), token, time.Now()); ok {
			t.Errorf("%s opens it", name)
		}
	}
}

// TestATokenWithABitTurnedIsNone (S24): each one in turn, and each end cut off.
func TestATokenWithABitTurnedIsNone(t *testing.T) {
	t.Parallel()
	k := keyring(t, ledgertest.NewMemory(), time.Now())
	token := k.Seal("news", "li@example.com")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	wrong := []string{"", token[1:], token + "A", token + token}
	for n := range raw {
		wrong = append(wrong, base64.RawURLEncoding.EncodeToString(raw[:n]))
		for bit := range 8 {
			turned := bytes.Clone(raw)
			turned[n] ^= 1 << bit
			wrong = append(wrong, base64.RawURLEncoding.EncodeToString(turned))
		}
	}
	for _, forged := range wrong {
		if list, address, ok := k.Open(t.Context(), forged, time.Now()); ok {
			t.Errorf("%s opens for %s of %s", forged, address, list)
		}
	}
	if _, _, ok := k.Open(t.Context(), token, time.Now()); !ok {
		t.Error("the token itself does not open")
	}
}

// aged is a shelf whose papers were put there some time ago.
type aged struct {
	*ledgertest.Memory
	by time.Duration
}

func (a *aged) Papers(ctx context.Context, shelf string) iter.Seq2[ledger.Paper, error] {
	return func(yield func(ledger.Paper, error) bool) {
		for p, err := range a.Memory.Papers(ctx, shelf) {
			p.At = p.At.Add(-a.by)
			if !yield(p, err) {
				return
			}
		}
	}
}

// TestKeysTurnOverAndOldLinksStayGood (S24): a token of a key that is no longer
// used for new ones opens for more than a year, and not forever.
func TestKeysTurnOverAndOldLinksStayGood(t *testing.T) {
	t.Parallel()
	now := time.Now()
	day := 24 * time.Hour
	shelf := &aged{Memory: ledgertest.NewMemory()}
	token := keyring(t, shelf, now).Seal("news", "li@example.com")
	if keyring(t, shelf, now.Add(80*day)).Seal("news", "li@example.com") != token {
		t.Error("the key turned over too early")
	}
	later := now.Add(91 * day)
	next := keyring(t, shelf, later)
	renewed := next.Seal("news", "li@example.com")
	if renewed == token {
		t.Error("the key did not turn over")
	}
	opens(t, next, token, "news", "li@example.com", later)
	opens(t, next, renewed, "news", "li@example.com", later)
	opens(t, next, token, "news", "li@example.com", now.Add((90+366)*day))
	if _, _, ok := next.Open(t.Context(), token, now.Add(731*day)); ok {
		t.Error("the old key is good forever")
	}
}

// TestAKeyOfAnotherProcessIsTakenUp: pages that run for months meet links that
// a later send has made.
func TestAKeyOfAnotherProcessIsTakenUp(t *testing.T) {
	t.Parallel()
	now := time.Now()
	shelf := ledgertest.NewMemory()
	pages := keyring(t, shelf, now)
	later := now.Add(100 * 24 * time.Hour)
	opens(t, pages, keyring(t, shelf, later).Seal("news", "li@example.com"), "news", "li@example.com", later)
}

// TestOfManyProcessesAtOnceOneMakesTheKey and all use it.
func TestOfManyProcessesAtOnceOneMakesTheKey(t *testing.T) {
	t.Parallel()
	shelf := ledgertest.NewMemory()
	tokens := make([]string, 8)
	var crowd sync.WaitGroup
	for i := range tokens {
		crowd.Go(func() {
			k, err := unsubscribe.OpenKeyring(t.Context(), shelf, time.Now())
			if err != nil {
				t.Error(err)
				return
			}
			tokens[i] = k.Seal("news", "li@example.com")
		})
	}
	crowd.Wait()
	for _, token := range tokens {
		if token != tokens[0] {
			t.Error("two keys are in use")
		}
	}
}

// FuzzToken: nothing but a token opens, whatever was changed of one (S24).
func FuzzToken(f *testing.F) {
	k := unsubscribe.Rehearsal()
	good := k.Seal("news", "li@example.com")
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		f.Fatal(err)
	}
	for bit := range len(raw) * 8 {
		flipped := bytes.Clone(raw)
		flipped[bit/8] ^= 1 << (bit % 8)
		f.Add(base64.RawURLEncoding.EncodeToString(flipped))
	}
	for i := range good {
		f.Add(good[:i])
		f.Add(good[:i] + "A" + good[i+1:])
	}
	f.Add(good + "=")
	f.Add(good + good)
	f.Add(strings.Repeat("A", 1<<20))
	f.Fuzz(func(t *testing.T, token string) {
		if _, _, ok := k.Open(t.Context(), token, time.Now()); ok != (token == good) {
			t.Errorf("%q opens: %v", token, ok)
		}
	})
}

func TestHeadersAreThoseOfTheRFCs(t *testing.T) {
	t.Parallel()
	links := unsubscribe.Links{List: "news", Keys: unsubscribe.Rehearsal()}
	if got := links.Headers("li@example.com"); got != nil || links.Page("li@example.com") != "" {
		t.Errorf("without a way out: %v", got)
	}
	links.Mailto = "leave@example.com"
	if got := links.Headers("li@example.com"); len(got) != 1 || got[0] != [2]string{"List-Unsubscribe", "<mailto:leave@example.com?subject=unsubscribe>"} {
		t.Errorf("by mail: %v", got)
	}
	links.URL = "https://example.com/u/"
	token := links.Keys.Seal("news", "li@example.com")
	got := links.Headers("li@example.com")
	want := "<https://example.com/u/one-click/" + token + ">, <mailto:leave@example.com?subject=unsubscribe>"
	if len(got) != 2 || got[0][1] != want || got[1] != [2]string{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"} {
		t.Errorf("by both: %v", got)
	}
	if page := links.Page("li@example.com"); page != "https://example.com/u/"+token {
		t.Errorf("the page: %s", page)
	}
	links.URL = "http://127.0.0.1:8026"
	if got := links.Headers("li@example.com"); len(got) != 1 {
		t.Errorf("without TLS there is no one-click: %v", got)
	}
}
