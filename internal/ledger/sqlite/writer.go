package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"hongyan/internal/ledger"
)

// A writer is the only way to change the ledger: one connection, used by
// whoever has the turn. Its first failure is its last act, since after a
// failed write nobody knows what is on the disk (never retry an fsync).
//
// The connection is the driver's own. Around each statement database/sql takes
// locks, copies arguments and looks for the end of a context, for pools and
// callers that are not here: it costs as much as the statement itself.
type writer struct {
	place
	turn   chan struct{} // of one: its holder may use the rest
	conn   driver.Conn
	stmts  map[string]statement
	args   []driver.NamedValue // of the statement being run
	broken error
	took   time.Duration // the last COMMIT

	accounts map[string]int64
	touched  map[int64]int64 // by issue, as written
	strange  *strange        // is told of every entry that is written
}

// A place is a file where it was when it was opened.
type place struct {
	path string
	born os.FileInfo
}

// left is nil while the file is still there. SQLite would go on with one that was
// removed, which nobody ever reads again: all that it has would be forgotten.
func (p place) left() error {
	now, err := os.Stat(p.path)
	if errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(now, p.born) {
		return fmt.Errorf("%s was removed or replaced while it was in use; put it back, or the next run begins anew and mails everybody again", p.path)
	}
	return nil
}

// A statement is what the driver compiles.
type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func newWriter(conn driver.Conn, at place) *writer {
	return &writer{
		turn: make(chan struct{}, 1), conn: conn, place: at, stmts: map[string]statement{},
		accounts: map[string]int64{}, touched: map[int64]int64{}, strange: &strange{blocks: map[int64]struct{}{}},
	}
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
	t := &tx{w: w, err: w.left()}
	t.exec("BEGIN IMMEDIATE")
	f(t)
	// Before the commit, so that a count sees all of its entries or none; and
	// after it, since one that began meanwhile has seen none.
	w.strange.add(t.changed)
	begun := time.Now()
	t.exec("COMMIT")
	w.strange.add(t.changed)
	w.took = time.Since(begun)
	if t.err == nil {
		return nil
	}
	w.broken = fmt.Errorf("%w: %w", ledger.ErrBroken, t.err)
	(&tx{w: w}).exec("ROLLBACK") // nothing is written after a failure, whatever it answers
	return w.broken
}

var errClosed = fmt.Errorf("%w: it is closed", ledger.ErrBroken)

func (w *writer) close() error {
	w.turn <- struct{}{}
	defer func() { <-w.turn }()
	if errors.Is(w.broken, errClosed) {
		return nil
	}
	w.broken = errClosed
	for _, stmt := range w.stmts {
		_ = stmt.Close() // ends with the connection anyway
	}
	return w.conn.Close()
}

// bind appends the arguments to bound as the driver takes them.
func bind(bound []driver.NamedValue, args []any) ([]driver.NamedValue, error) {
	for i, arg := range args {
		if n, ok := arg.(int); ok {
			arg = int64(n)
		}
		v, err := driver.DefaultParameterConverter.ConvertValue(arg)
		if err != nil {
			return nil, err
		}
		bound = append(bound, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return bound, nil
}

func (w *writer) prepare(query string) (statement, error) {
	if stmt := w.stmts[query]; stmt != nil {
		return stmt, nil
	}
	prepared, err := w.conn.Prepare(query)
	if err != nil {
		return nil, err
	}
	stmt, ok := prepared.(statement)
	if !ok {
		return nil, fmt.Errorf("a statement of the driver is a %T", prepared)
	}
	w.stmts[query] = stmt
	return stmt, nil
}

// A tx is one transaction. The first error stays and turns the rest into
// nothing, so that only commit needs to look at it.
type tx struct {
	w       *writer
	changed []int64 // blocks of entries, for the tally
	err     error
}

// changes says that an entry is written. Whatever writes one says so.
func (t *tx) changes(id int64) {
	if b := id >> blockBits; len(t.changed) == 0 || t.changed[len(t.changed)-1] != b {
		t.changed = append(t.changed, b)
	}
}

// exec returns how many rows it changed.
func (t *tx) exec(query string, args ...any) (changed int64) {
	t.run(query, args, func(stmt statement, args []driver.NamedValue) error {
		res, err := stmt.ExecContext(context.Background(), args)
		if err != nil {
			return err
		}
		changed, err = res.RowsAffected()
		return err
	})
	return changed
}

// row reads the first row into dest and reports whether there was one.
func (t *tx) row(dest []any, query string, args ...any) (found bool) {
	t.each(dest, func() bool { found = true; return false }, query, args...)
	return found
}

// each reads one row after the other into dest, for as long as next says so.
func (t *tx) each(dest []any, next func() bool, query string, args ...any) {
	t.run(query, args, func(stmt statement, args []driver.NamedValue) error {
		rows, err := stmt.QueryContext(context.Background(), args)
		if err != nil {
			return err
		}
		return errors.Join(scanEach(rows, dest, next), rows.Close())
	})
}

func scanEach(rows driver.Rows, dest []any, next func() bool) error {
	values := make([]driver.Value, len(dest))
	for {
		if err := rows.Next(values); err != nil {
			return unless(io.EOF, err)
		}
		for i, v := range values {
			if err := assign(dest[i], v); err != nil {
				return err
			}
		}
		if !next() {
			return nil
		}
	}
}

// unless is err, if it is not the end that was waited for.
func unless(end, err error) error {
	if errors.Is(err, end) {
		return nil
	}
	return err
}

// run does one thing with a prepared statement, unless the transaction has
// failed already.
func (t *tx) run(query string, args []any, do func(statement, []driver.NamedValue) error) {
	if t.err != nil {
		return
	}
	var stmt statement
	if stmt, t.err = t.w.prepare(query); t.err != nil {
		return
	}
	if t.w.args, t.err = bind(t.w.args[:0], args); t.err == nil {
		t.err = do(stmt, t.w.args)
	}
}

// assign puts a column where it is wanted. What our own tables can hold for a
// destination is all it knows.
func assign(dest any, v driver.Value) error {
	switch dest := dest.(type) {
	case *int64:
		n, ok := v.(int64)
		*dest = n
		return mismatch(ok, dest, v)
	case *int:
		n, ok := v.(int64)
		*dest = int(n)
		return mismatch(ok, dest, v)
	case *bool:
		n, ok := v.(int64)
		*dest = n != 0
		return mismatch(ok, dest, v)
	case *string:
		s, ok := v.(string)
		*dest = s
		return mismatch(ok, dest, v)
	case *[]byte:
		b, ok := v.([]byte)
		*dest = b
		return mismatch(ok || v == nil, dest, v)
	}
	return mismatch(false, dest, v)
}

func mismatch(ok bool, dest any, v driver.Value) error {
	if ok {
		return nil
	}
	return fmt.Errorf("a column is a %T where a %T was expected", v, dest)
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
