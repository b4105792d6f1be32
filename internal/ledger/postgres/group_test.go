package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/postgres"
	"hongyan/internal/ledger/postgres/postgrestest"
)

// eachByItself asks the server how it writes a group of intents and one of
// outcomes, how it claims, and how it sweeps: while it knows nothing of the tables,
// and when it has counted and takes them for small.
func eachByItself(t *testing.T, server *postgrestest.Server) {
	s := open(t, server.Place(t), long)
	planned(t, s, 3)
	id := claim(t, s, "qq", 1)[0]
	for _, event := range []ledger.Event{intent(id), sent(id)} {
		if err := s.Record(t.Context(), event); err != nil {
			t.Fatal(err)
		}
	}
	for _, counted := range []string{"", "ANALYZE delivery, recipient, answer"} {
		if _, err := s.Pool().Exec(t.Context(), counted); err != nil {
			t.Fatal(err)
		}
		plans := plansOf(t, s)
		if len(plans) != 4 {
			t.Errorf("after %q there are %d plans", counted, len(plans))
		}
		for _, plan := range plans {
			lines := strings.Split(plan, "\n")
			for i, line := range lines {
				if strings.Contains(line, "_pkey on ") && !strings.Contains(lines[i+1], "Index Cond:") || strings.Contains(line, "Join Filter: (d.id") {
					t.Errorf("after %q, %s:\n%s", counted, line, plan)
				}
			}
		}
	}
}

// plansOf are those of the statements that have stepped deliveries on so far.
func plansOf(t *testing.T, s *postgres.Store) (plans []string) {
	t.Helper()
	for _, conn := range s.Pool().AcquireAllIdle(t.Context()) {
		defer conn.Release()
		rows, _ := conn.Query(t.Context(), `SELECT format('EXPLAIN (COSTS OFF) EXECUTE %I (%s)', name,
			array_to_string(array_fill('NULL'::text, ARRAY[cardinality(parameter_types)]), ', '))
			FROM pg_prepared_statements WHERE statement LIKE 'WITH%UPDATE delivery%'`)
		statements, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range statements {
			rows, _ := conn.Query(t.Context(), statement, pgx.QueryExecModeSimpleProtocol)
			lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatalf("%s: %v", statement, err)
			}
			plans = append(plans, strings.Join(lines, "\n"))
		}
	}
	return plans
}
