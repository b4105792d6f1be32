package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"hongyan/internal/ledger"
)

// The states by number, in the order of [ledger.States]. The numbers stand in
// the tables, the same as in every other store: they never change, new ones are
// added at the end.
const (
	queued   = 0
	sending  = 1
	deferred = 4
	inDoubt  = 5
	skipped  = 6
)

func number(s ledger.State) int16 { return int16(slices.Index(ledger.States(), s)) }

// state is what the tables' number means; an unknown one shows itself.
func state(n int16) ledger.State {
	if all := ledger.States(); 0 <= n && int(n) < len(all) {
		return all[n]
	}
	return ledger.State(fmt.Sprintf("state %d", n))
}

// first and last bound the ids of an issue's entries.
func first(issue int64) int64 { return issue << 32 }
func last(issue int64) int64  { return issue<<32 | (1<<32 - 1) }

// issue returns the number of an issue, which it keeps.
func (s *Store) issue(ctx context.Context, k ledger.Key) (int64, error) {
	s.mu.Lock()
	id := s.issues[k]
	s.mu.Unlock()
	if id != 0 {
		return id, nil
	}
	id, err := s.Reader.issue(ctx, k)
	if err == nil {
		s.mu.Lock()
		s.issues[k] = id
		s.mu.Unlock()
	}
	return id, err
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	if away(err) && !errors.Is(err, ledger.ErrAway) {
		return fmt.Errorf("%s: %w: %w", doing, ledger.ErrAway, plain(err))
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// A cable is an error of the network's.
type cable interface {
	error
	Timeout() bool
}

// away reports whether an error says that the server is not there, or going, or
// lets nobody in just now.
func away(err error) bool {
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refusal.Code[:2] == "08" || refusal.Code[:2] == "53" || strings.HasPrefix(refusal.Code, "57P") || refusal.Code == "25P03"
	}
	if errors.Is(err, context.Canceled) {
		return false
	}
	_, unconnected := errors.AsType[*pgconn.ConnectError](err)
	_, cut := errors.AsType[cable](err)
	return unconnected || cut || pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// text is a string as PostgreSQL takes it: UTF-8 without NUL.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
