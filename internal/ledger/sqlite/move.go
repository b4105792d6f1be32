package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
)

// flags are the columns that are yes or no; SQLite keeps numbers.
var flags = map[string]bool{"complete": true, "human": true}

// Rows streams a table. See moving.Source.
func (r *Reader) Rows(ctx context.Context, table string, columns []string, order string) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		rows, err := r.db.QueryContext(ctx, `SELECT `+strings.Join(columns, ", ")+` FROM `+table+` ORDER BY `+order)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			if row, err := scanRow(rows, columns); !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

func scanRow(rows interface{ Scan(...any) error }, columns []string) ([]any, error) {
	row, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range row {
		into[i] = &row[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	for i, column := range columns {
		switch v := row[i].(type) {
		case int64:
			if flags[column] {
				row[i] = v != 0
			}
		case []byte: // the driver has no empty ones: nil, though not NULL
			row[i] = blob(v)
		}
	}
	return row, nil
}

// Vacant is an error when the ledger has something in it. See moving.Target.
func (s *Store) Vacant(ctx context.Context) error {
	var n int
	err := s.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM issue) + (SELECT count(*) FROM account) +
		(SELECT count(*) FROM suppression) + (SELECT count(*) FROM act) + (SELECT count(*) FROM paper)`).Scan(&n)
	if err == nil && n > 0 {
		err = errors.New("the ledger is not empty")
	}
	return err
}

// lot is how many rows are written at once.
const lot = 2000

// Fill writes rows of a table. See moving.Target.
func (s *Store) Fill(_ context.Context, table string, columns []string, rows iter.Seq2[[]any, error]) (n int64, err error) {
	if table == "install" {
		if err := s.writer.write(func(t *tx) { t.exec(`DELETE FROM install`) }); err != nil {
			return 0, err
		}
	}
	insert := `INSERT INTO ` + table + ` (` + strings.Join(columns, ", ") + `) VALUES (?` + strings.Repeat(", ?", len(columns)-1) + `)`
	batch := make([][]any, 0, lot)
	flush := func() error {
		err := s.writer.write(func(t *tx) {
			for _, row := range batch {
				t.exec(insert, row...)
			}
		})
		n += int64(len(batch))
		batch = batch[:0]
		return err
	}
	for row, err := range rows {
		if err != nil {
			return n, err
		}
		for i, v := range row {
			row[i] = stored(columns[i], v)
		}
		if batch = append(batch, row); len(batch) == lot {
			if err := flush(); err != nil {
				return n, err
			}
		}
	}
	return n, flush()
}

// Empty takes away what was filled in and derived. See moving.Target.
func (s *Store) Empty(_ context.Context, tables []string) error {
	return s.writer.write(func(t *tx) {
		for _, table := range append(tables, "address") {
			t.exec(`DELETE FROM ` + table)
		}
	})
}

// stored is a value as this store keeps it: digests, which it only hands on, are
// bytes to it.
func stored(column string, v any) any {
	switch v := v.(type) {
	case bool:
		return count(v)
	case string:
		if column == "digests" {
			return []byte(v)
		}
	}
	return v
}

// enrolling is what migration 3 did: it tells apart whom an earlier release has
// entered in two spellings.
const enrolling = `INSERT INTO address (issue, address, id) SELECT id >> 32,
	iif(row_number() OVER (PARTITION BY id >> 32, lower(address) ORDER BY address = lower(address) DESC, id) = 1, lower(address), address), id
	FROM recipient ORDER BY 1, 2`

// Derive enters everybody on the roll. See moving.Target.
func (s *Store) Derive(context.Context) error {
	err := s.writer.write(func(t *tx) {
		t.exec(enrolling)
		t.exec(`UPDATE issue SET indexed = size`)
	})
	if err != nil {
		return fmt.Errorf("the roll: %w", err)
	}
	return nil
}
