package ledgertest_test

import (
	"errors"
	"testing"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
)

func TestMemoryKeepsThePromise(t *testing.T) {
	ledgertest.Run(t, func(*testing.T) ledgertest.Open {
		m := ledgertest.NewMemory()
		return func() ledger.Store {
			m.Restart()
			return m
		}
	})
}

func TestNoMemoryNoMailInMemory(t *testing.T) {
	m := ledgertest.NewMemory()
	full := errors.New("disk full")
	m.OnRecord = func([]ledger.Event) error { return full }
	intent := ledger.Intent{ID: 1<<32 | 1, Account: "qq", At: time.Now()}
	if err := m.Record(t.Context(), intent); !errors.Is(err, full) || !errors.Is(err, ledger.ErrBroken) {
		t.Errorf("got %v", err)
	}
	m.OnRecord = nil
	if err := m.Record(t.Context(), intent); !errors.Is(err, ledger.ErrBroken) {
		t.Errorf("the disk is well again, but what it holds is not known: got %v", err)
	}
	m.Restart()
	if err := m.Record(t.Context(), intent); !errors.Is(err, ledger.ErrTaken) {
		t.Errorf("after the restart: got %v", err)
	}
}
