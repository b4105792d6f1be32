package postgres

import (
	"context"
	"errors"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Rows streams a table. See moving.Source.
func (r *Reader) Rows(ctx context.Context, table string, columns []string, order string) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		rows, err := r.pool.Query(ctx, `SELECT `+strings.Join(whole(table, columns), ", ")+` FROM `+undivided(table)+` ORDER BY `+order)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			row, err := rows.Values()
			for i, v := range row {
				row[i] = wide(v)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// No other store knows lanes: there, all that they did is the account's.
func undivided(table string) string {
	if table == "account" {
		return `account WHERE lanes = 1`
	}
	return table
}

func whole(table string, columns []string) []string {
	out := quoted(columns)
	for i, column := range columns {
		if column == "account" {
			out[i] = `coalesce((SELECT w.id FROM account w JOIN account p USING (name) WHERE w.lanes = 1 AND p.id = ` + table + `.account), 0) AS account`
		}
	}
	return out
}

// quoted are names of columns, whatever else the words mean in SQL.
func quoted(columns []string) []string {
	out := make([]string, len(columns))
	for i, column := range columns {
		out[i] = pgx.Identifier{column}.Sanitize()
	}
	return out
}

func wide(v any) any {
	switch n := v.(type) {
	case int16:
		return int64(n)
	case int32:
		return int64(n)
	}
	return v
}

// Vacant is an error when the ledger has something in it. See moving.Target.
func (s *Store) Vacant(ctx context.Context) error {
	var n int
	err := s.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM issue) + (SELECT count(*) FROM account) +
		(SELECT count(*) FROM suppression) + (SELECT count(*) FROM act) + (SELECT count(*) FROM paper)`).Scan(&n)
	if err == nil && n > 0 {
		err = errors.New("the ledger is not empty")
	}
	return err
}

// Idle is an error when another process that takes work is alive.
func (s *Store) Idle(ctx context.Context) error {
	var n int
	err := s.pool.QueryRow(ctx, `SELECT count(*) FROM worker WHERE works AND id <> $1 AND until > clock_timestamp()`, s.me).Scan(&n)
	if err == nil && n > 0 {
		err = errors.New("a worker is at work on the ledger")
	}
	return err
}

// Fill writes rows of a table. See moving.Target.
func (s *Store) Fill(ctx context.Context, table string, columns []string, rows iter.Seq2[[]any, error]) (int64, error) {
	if table == "install" {
		if _, err := s.pool.Exec(ctx, `DELETE FROM install`); err != nil {
			return 0, err
		}
	}
	next, stop := iter.Pull2(rows)
	defer stop()
	return s.pool.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		row, err, ok := next()
		if !ok || err != nil {
			return nil, err
		}
		for i, v := range row {
			if s, ok := v.(string); ok {
				row[i] = text(s)
			}
		}
		return row, nil
	}))
}

// Empty takes away what was filled in. See moving.Target.
func (s *Store) Empty(ctx context.Context, tables []string) error {
	_, err := s.pool.Exec(ctx, `TRUNCATE `+strings.Join(tables, ", "))
	return err
}

// Derive goes on counting where the moved ledger stopped. See moving.Target.
func (s *Store) Derive(ctx context.Context) error {
	for _, table := range []string{"issue", "account", "act"} {
		if _, err := s.pool.Exec(ctx, `SELECT setval(pg_get_serial_sequence('`+table+`', 'id'), coalesce(max(id), 0) + 1, false) FROM `+table); err != nil {
			return err
		}
	}
	if _, err := s.pool.Exec(ctx, `UPDATE issue i SET cursor = coalesce((SELECT min(d.id) - 1 - (i.id << 32) FROM delivery d
		WHERE d.id BETWEEN i.id << 32 AND (i.id << 32) + 4294967295 AND d.state = $1), i.size)`, queued); err != nil {
		return err
	}
	_, err := s.pool.Exec(ctx, `ANALYZE`)
	return err
}
