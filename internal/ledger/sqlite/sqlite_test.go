package sqlite_test

import (
	"testing"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/ledgertest"
	"hongyan/internal/ledger/sqlite"
)

func TestSQLiteKeepsThePromise(t *testing.T) {
	ledgertest.Run(t, func(t *testing.T) ledgertest.Open {
		dir := t.TempDir()
		return func() ledger.Store {
			s, err := sqlite.Open(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	})
}
