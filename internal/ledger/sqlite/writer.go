package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"hongyan/internal/ledger"
)

// A writer is the only way to change the ledger: one connection, used by
// whoever has the turn. Its first failure is its last act, since after a
// failed write nobody knows what is on the disk (never retry an fsync).
type writer struct {
	turn   chan struct{} // of one: its holder may use the rest
	conn   *sql.Conn
	stmts  map[string]*sql.Stmt
	broken error

	accounts map[string]int64
	touched  map[int64]int64 // by issue, as written
}

func newWriter(ctx context.Context, pool *sql.DB) (*writer, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &writer{
		turn: make(chan struct{}, 1), conn: conn, stmts: map[string]*sql.Stmt{},
		accounts: map[string]int64{}, touched: map[int64]int64{},
	}, nil
}

// write runs f in a transaction of its own and returns when it is durable. No
// context can interrupt it: half a write helps nobody.
func (w *writer) write(f func(*tx)) error {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	return w.commit(f)
}

// commit is write for the holder of the turn.
func (w *writer) commit(f func(*tx)) error {
	if w.broken != nil {
		return w.broken
	}
	t := &tx{w: w}
	t.exec("BEGIN IMMEDIATE")
	f(t)
	t.exec("COMMIT")
	if t.err == nil {
		return nil
	}
	w.broken = fmt.Errorf("%w: %w", ledger.ErrBroken, t.err)
	_, _ = w.conn.ExecContext(context.Background(), "ROLLBACK") // nothing is written after a failure, whatever it answers
	return w.broken
}

func (w *writer) close() error {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	w.broken = fmt.Errorf("%w: it is closed", ledger.ErrBroken)
	for _, stmt := range w.stmts {
		_ = stmt.Close() // ends with the connection anyway
	}
	if err := w.conn.Close(); !errors.Is(err, sql.ErrConnDone) {
		return err
	}
	return nil // closed before
}

// A tx is one transaction. The first error stays and turns the rest into
// nothing, so that only commit needs to look at it.
type tx struct {
	w   *writer
	err error
}

// exec returns how many rows it changed.
func (t *tx) exec(query string, args ...any) int64 {
	stmt := t.prepare(query)
	if t.err != nil {
		return 0
	}
	res, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		t.err = err
		return 0
	}
	n, err := res.RowsAffected()
	t.err = err
	return n
}

// row reads one row into dest and reports whether there was one.
func (t *tx) row(dest []any, query string, args ...any) bool {
	stmt := t.prepare(query)
	if t.err != nil {
		return false
	}
	err := stmt.QueryRowContext(context.Background(), args...).Scan(dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return false
	}
	t.err = err
	return err == nil
}

// query reads many rows.
func (t *tx) query(query string, args ...any) (*sql.Rows, error) {
	stmt := t.prepare(query)
	if t.err != nil {
		return nil, t.err
	}
	return stmt.QueryContext(context.Background(), args...)
}

func (t *tx) prepare(query string) *sql.Stmt {
	stmt := t.w.stmts[query]
	if stmt != nil || t.err != nil {
		return stmt
	}
	if stmt, t.err = t.w.conn.PrepareContext(context.Background(), query); t.err == nil {
		t.w.stmts[query] = stmt
	}
	return stmt
}

// account returns the number of an account, new if need be; 0 for none.
func (t *tx) account(name string) int64 {
	if name == "" {
		return 0
	}
	if id := t.w.accounts[name]; id != 0 {
		return id
	}
	t.exec(`INSERT INTO account (name) VALUES (?1) ON CONFLICT DO NOTHING`, name)
	var id int64
	if t.row([]any{&id}, `SELECT id FROM account WHERE name = ?1`, name) {
		t.w.accounts[name] = id
	}
	return id
}
