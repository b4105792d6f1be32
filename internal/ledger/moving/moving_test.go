package moving_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/moving"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/postgres/postgrestest"
	"hongyan/internal/ledger/sqlite"
)

// A store is what can be moved from and to.
type store interface {
	ledger.Store
	moving.Source
	moving.Target
}

// everyStore runs a test once for each kind of store.
func everyStore(t *testing.T, test func(t *testing.T, open func() store)) {
	t.Run("sqlite", func(t *testing.T) {
		test(t, func() store { return folder(t) })
	})
	t.Run("postgres", func(t *testing.T) {
		server := postgrestest.Start(t, false)
		test(t, func() store {
			s, err := postgres.Open(t.Context(), server.Place(t), postgres.Options{Name: t.Name()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return s
		})
	})
}

func folder(t *testing.T) *sqlite.Store {
	s, err := sqlite.Open(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// written is a folder with an issue and papers, one of them empty.
func written(t *testing.T) *sqlite.Store {
	s, key := folder(t), ledger.Key{Campaign: "weekly", Issue: "12"}
	rows := slices.Values([]ledger.Row{{Line: 2, Address: "a@example.com"}, {Line: 3, Address: "b@example.com"}})
	_, err := s.Plan(t.Context(), key, ledger.Plan{})
	if err == nil {
		_, err = s.Enqueue(t.Context(), key, func(yield func(ledger.Row, error) bool) {
			rows(func(r ledger.Row) bool { return yield(r, nil) })
		})
	}
	if err := errors.Join(err, s.Put(t.Context(), "ended", key.String(), nil), s.Put(t.Context(), "work", key.String(), []byte("{}"))); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnEmptyPaperIsMovedAsOne(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, open func() store) {
		to := open()
		if moved, err := moving.Move(t.Context(), written(t), to); err != nil || moved["paper"] != 2 {
			t.Fatalf("moved %v, %v", moved, err)
		}
		if body, err := to.Paper(t.Context(), "ended", "weekly/12"); err != nil || body == nil || len(body) > 0 {
			t.Errorf("the paper is %#v, %v", body, err)
		}
	})
}

// torn is a source that breaks in the middle of its last table.
type torn struct{ moving.Source }

var errTorn = errors.New("torn")

func (s torn) Rows(ctx context.Context, table string, columns []string, order string) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for row, err := range s.Source.Rows(ctx, table, columns, order) {
			if !yield(row, err) {
				return
			}
			if table == "paper" {
				yield(nil, errTorn)
				return
			}
		}
	}
}

func TestAMoveThatFailsLeavesTheTargetVacant(t *testing.T) {
	t.Parallel()
	everyStore(t, func(t *testing.T, open func() store) {
		from, to := written(t), open()
		if _, err := moving.Move(t.Context(), torn{from}, to); err == nil || !strings.Contains(err.Error(), errTorn.Error()) {
			t.Fatalf("got %v", err)
		}
		if err := to.Vacant(t.Context()); err != nil {
			t.Error(err)
		}
		if moved, err := moving.Move(t.Context(), from, to); err != nil || moved["recipient"] != 2 {
			t.Errorf("once more: %v, %v", moved, err)
		}
		totals, err := to.Totals(t.Context(), ledger.Key{Campaign: "weekly", Issue: "12"})
		if err != nil || totals.Queued != 2 {
			t.Errorf("it has %+v, %v", totals, err)
		}
	})
}
