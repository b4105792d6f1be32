package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/intake"
)

// A Reader reads a ledger, also while another process writes it. It changes
// nothing: what a dead process left in sending becomes in-doubt at the next Open,
// and is shown so before.
type Reader struct {
	db                       *sql.DB
	number, tail, suppressed *sql.Stmt
	orphaned                 bool // nobody has the ledger, so nobody is sending
}

// OpenReader opens the ledger in the folder dir; [os.ErrNotExist]
// means that there is none yet.
func OpenReader(ctx context.Context, dir string) (*Reader, error) {
	file := filepath.Join(dir, File)
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("ledger %s: %w", file, errors.Unwrap(err))
	}
	r, err := openReader(ctx, file, "ro")
	if err != nil {
		return nil, fmt.Errorf("ledger %s: %w", file, err)
	}
	r.orphaned = free(dir)
	return r, nil
}

func openReader(ctx context.Context, file, mode string) (*Reader, error) {
	db, err := dial(file, max(4, runtime.GOMAXPROCS(0)), mode, reading())
	if err != nil {
		return nil, err
	}
	r := &Reader{db: db}
	if err := r.prepare(ctx); err != nil {
		_ = db.Close() // the reason for giving up is the better error
		return nil, err
	}
	return r, nil
}

// What an entry is made of, as [scan] takes it.
const columns = `SELECT d.id, r.line, r.address, r.name, r.fields, d.state, c.name, d.attempts,
	d.message_id, d.begun, d.ended, d.due, a.stage, a.code, a.enhanced,
	a.reply, a.class, a.rule, a.bytes, a.settled_by, a.settled_at
	FROM delivery d CROSS JOIN recipient r ON r.id = d.id
	LEFT JOIN answer a ON a.id = d.id LEFT JOIN account c ON c.id = d.account `

// Of an entry that nobody has touched there is no more than this.
const untouched = `SELECT d.id, r.line, r.address, r.name, r.fields, d.state
	FROM delivery d CROSS JOIN recipient r ON r.id = d.id `

// prepare compiles what every claim asks.
func (r *Reader) prepare(ctx context.Context) error {
	if err := versioned(ctx, r.db); err != nil {
		return err
	}
	for _, p := range []struct {
		stmt  **sql.Stmt
		query string
	}{
		{&r.number, `SELECT id FROM issue WHERE campaign = ?1 AND issue = ?2`},
		{&r.tail, `SELECT coalesce(max(id), 0) FROM delivery WHERE id BETWEEN ?1 AND ?2`},
		{&r.suppressed, suppressions + `WHERE address = ?1 AND list IN (?2, '') ORDER BY list DESC LIMIT 1`},
	} {
		var err error
		if *p.stmt, err = r.db.PrepareContext(ctx, p.query); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the use of the reader.
func (r *Reader) Close() error { return r.db.Close() }

// issue returns the number of an issue.
func (r *Reader) issue(ctx context.Context, k ledger.Key) (int64, error) {
	var id int64
	err := r.number.QueryRowContext(ctx, k.Campaign, k.Issue).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, unknown(k)
	}
	return id, wrap("look up "+k.String(), err)
}

func unknown(k ledger.Key) error { return fmt.Errorf("%s: %w", k, ledger.ErrUnknown) }

// page is how many entries are read at once. Between pages nothing is open, so
// a slow reader holds up neither the writer nor its checkpoints.
const page = 250

// Entries streams entries. See [ledger.Reader].
func (r *Reader) Entries(ctx context.Context, k ledger.Key, f ledger.Filter) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		issue, err := r.issue(ctx, k)
		if err != nil {
			yield(ledger.Entry{}, err)
			return
		}
		f.After = max(first(issue), f.After)
		for got, err := range intake.Ahead(r.pages(ctx, f.Last(first(issue)), f)) {
			if err != nil {
				yield(ledger.Entry{}, wrap("read entries of "+k.String(), err))
				return
			}
			for _, e := range got {
				e.Key = k
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// pages reads up to the number end. Two pages take turns to be filled.
func (r *Reader) pages(ctx context.Context, end int64, f ledger.Filter) iter.Seq2[[]ledger.Entry, error] {
	return func(yield func([]ledger.Entry, error) bool) {
		var pages [2][]ledger.Entry
		for i, left := 0, f.Limit; ; i ^= 1 {
			n := page
			if f.Limit > 0 {
				n = min(page, left)
			}
			got, err := r.page(ctx, pages[i][:0], end, f, n)
			if left -= len(got); !yield(got, err) || err != nil || len(got) < n || left == 0 {
				return
			}
			pages[i], f.After = got, got[len(got)-1].ID
		}
	}
}

// page appends the next n entries up to the number end. Who looks for a text first finds whose it is:
// that reads two tables from one end to the other and nothing else.
func (r *Reader) page(ctx context.Context, out []ledger.Entry, end int64, f ledger.Filter, n int) (_ []ledger.Entry, err error) {
	take := func(e ledger.Entry) bool { out = append(out, e); return true }
	if f.Text == "" {
		err = r.each(ctx, take, columns+`WHERE d.id > ?1 AND d.id <= ?2 AND `+passing+` ORDER BY d.id LIMIT ?5`,
			f.After, end, r.wanted(f), f.Account, n)
		return out, err
	}
	ids, err := r.found(ctx, end, f, n)
	if err != nil || len(ids) == 0 {
		return out, err
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return out, err
	}
	err = r.each(ctx, take, columns+`WHERE d.id IN (SELECT value FROM json_each(?1)) ORDER BY d.id`, string(list))
	return out, err
}

// passing is the part of a filter that the narrow table can answer. It is true
// by itself where the filter says nothing.
const passing = `(?3 >> d.state) & 1 AND (?4 = '' OR d.account = (SELECT id FROM account WHERE name = ?4))`

func (r *Reader) wanted(f ledger.Filter) int {
	if len(f.States) == 0 {
		return -1
	}
	m := mask(f.States)
	if r.orphaned {
		m = m&^(1<<sending) | m>>inDoubt&1<<sending
	}
	return m
}

// shown is the number of the state that a number in the tables stands for.
func (r *Reader) shown(n int) int {
	if r.orphaned && n == sending {
		return inDoubt
	}
	return n
}

// finding is two streams in the order of the ids, merged until there are enough.
// Of most names and replies the length says that a text cannot be in them, of
// most addresses a part of it that has no case: LIKE takes longer.
const finding = `SELECT id FROM recipient WHERE id > ?1 AND id <= ?2
		AND (instr(address, ?8) AND address LIKE ?5 ESCAPE '\' AND address NOT GLOB 'line:*'
			OR octet_length(name) >= ?7 AND name LIKE ?5 ESCAPE '\')
		AND EXISTS (SELECT 1 FROM delivery d WHERE d.id = recipient.id AND ` + passing + `)
	UNION SELECT id FROM answer WHERE id > ?1 AND id <= ?2 AND octet_length(reply) >= ?7 AND reply LIKE ?5 ESCAPE '\'
		AND EXISTS (SELECT 1 FROM delivery d WHERE d.id = answer.id AND ` + passing + `)
	ORDER BY id LIMIT ?6`

// found returns the next n entries that have the filter's text.
func (r *Reader) found(ctx context.Context, end int64, f ledger.Filter, n int) ([]int64, error) {
	text := containing(f.Text)
	if len(text) > longestPattern {
		return nil, nil // nothing that long is kept
	}
	rows, err := r.db.QueryContext(ctx, finding, f.After, end, r.wanted(f), f.Account, text, n, len(f.Text), caseless(f.Text))
	return collect(rows, err, func(id *int64) error { return rows.Scan(id) })
}

// longestPattern is what SQLite takes.
const longestPattern = 50_000

// caseless is the longest part of a text without ASCII letters, "" if it has
// nothing else.
func caseless(text string) (longest string) {
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' }) {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}

// containing is a text as a pattern of LIKE, which folds ASCII as the contract
// asks, and in a third of the time that lower and instr take.
func containing(text string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
}

// each hands the entries that a query finds to next, for as long as it says so.
//
// They come straight from the driver: for each row database/sql would take
// locks, look for the end of a context and convert every column through
// reflection, which costs more than reading it. So a query is read to its end;
// who wants a million entries asks for them in pages.
func (r *Reader) each(ctx context.Context, next func(ledger.Entry) bool, query string, args ...any) error {
	return r.raw(ctx, func(rows driver.Rows) error {
		return walk(rows, func(values []driver.Value) (bool, error) {
			e, err := scan(values)
			if r.orphaned && e.State == ledger.Sending || e.State == ledger.InDoubt && e.Stage == "" {
				e = e.Abandoned()
			}
			return err == nil && next(e), err
		})
	}, query, args...)
}

// raw lets take read what a query finds.
func (r *Reader) raw(ctx context.Context, take func(driver.Rows) error, query string, args ...any) error {
	conn, err := r.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(raw any) error {
		own, ok := raw.(driver.QueryerContext)
		if !ok {
			return fmt.Errorf("a connection of the driver is a %T", raw)
		}
		bound, err := bind(nil, args)
		if err != nil {
			return err
		}
		rows, err := own.QueryContext(context.WithoutCancel(ctx), query, bound)
		if err != nil {
			return err
		}
		return errors.Join(take(rows), rows.Close())
	})
}

// walk hands each row to next, until it wants no more.
func walk(rows driver.Rows, next func([]driver.Value) (more bool, err error)) error {
	values := make([]driver.Value, len(rows.Columns()))
	for {
		if err := rows.Next(values); err != nil {
			return unless(io.EOF, err)
		}
		if more, err := next(values); err != nil || !more {
			return err
		}
	}
}

// scan takes the columns of an entry, in the order of [columns] or of [untouched].
func scan(v []driver.Value) (e ledger.Entry, err error) {
	e.ID, e.Line, e.Address, e.Name = whole(v[0]), int(whole(v[1])), text(v[2]), text(v[3])
	if addressless(e.Address) {
		e.Address = ""
	}
	e.State = state(int(whole(v[5])))
	if e.Fields, err = ledger.DecodeFields(text(v[4])); err != nil || len(v) == 6 {
		return e, err
	}
	e.Account, e.Attempts, e.MessageID = text(v[6]), int(whole(v[7])), text(v[8])
	e.Begun, e.Ended, e.Due = instant(whole(v[9])), instant(whole(v[10])), instant(whole(v[11]))
	e.Stage, e.Code, e.Enhanced = text(v[12]), int(whole(v[13])), text(v[14])
	e.Reply, e.Class, e.Rule, e.Bytes = text(v[15]), text(v[16]), text(v[17]), whole(v[18])
	e.SettledBy, e.SettledAt = text(v[19]), instant(whole(v[20]))
	return e, nil
}

// whole is a number; NULL, where a join found nothing, is 0.
func whole(v driver.Value) int64 { n, _ := v.(int64); return n }

// text is a string; NULL is "".
func text(v driver.Value) string { s, _ := v.(string); return s }

// Totals counts an issue. See [ledger.Reader].
func (r *Reader) Totals(ctx context.Context, k ledger.Key) (ledger.Totals, error) {
	issue, err := r.issue(ctx, k)
	if err != nil {
		return ledger.Totals{}, err
	}
	t, _, err := r.totals(ctx, issue)
	return t, wrap("count "+k.String(), err)
}

// counting is one statement, hence one moment. Rows are counted by their
// addresses: those entered, and those that come after. The last column is the time of
// the last event.
const counting = `SELECT (SELECT count(*) FROM address WHERE issue = ?1) + (SELECT count(*) FROM recipient
	WHERE id > ?2 + (SELECT indexed FROM issue WHERE id = ?1) AND id <= ?3),
	%s coalesce(max(max(begun, ended)), 0) FROM delivery WHERE id BETWEEN ?2 AND ?3`

// totals also returns the time of the last event.
func (r *Reader) totals(ctx context.Context, issue int64) (t ledger.Totals, at int64, err error) {
	var sums strings.Builder
	for i := range ledger.States() {
		fmt.Fprintf(&sums, "count(*) FILTER (WHERE state = %d), ", i)
	}
	n := make([]int, len(ledger.States()))
	dest := []any{&t.Rows}
	for i := range n {
		dest = append(dest, &n[i])
	}
	dest = append(dest, &at)
	err = r.db.QueryRowContext(ctx, fmt.Sprintf(counting, sums.String()), issue, first(issue), last(issue)).Scan(dest...)
	for i := range n {
		t.Add(state(r.shown(i)), n[i])
	}
	return t, at, err
}

// Issues lists all issues. See [ledger.Reader].
func (r *Reader) Issues(ctx context.Context) ([]ledger.Issue, error) {
	ids, out, err := r.issues(ctx)
	if err != nil {
		return nil, wrap("list issues", err)
	}
	for i := range out {
		var at int64
		if out[i].Totals, at, err = r.totals(ctx, ids[i]); err != nil {
			return nil, wrap("count "+out[i].Key.String(), err)
		}
		out[i].Last = instant(at)
	}
	return out, nil
}

// issues lists all issues with their numbers, not counted yet.
func (r *Reader) issues(ctx context.Context) (ids []int64, out []ledger.Issue, err error) {
	rows, err := r.db.QueryContext(ctx, `SELECT id, campaign, issue, digests, planned, complete FROM issue ORDER BY planned DESC, id DESC`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, at int64
		var is ledger.Issue
		var digests []byte
		if err := rows.Scan(&id, &is.Campaign, &is.Key.Issue, &digests, &at, &is.Complete); err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal(digests, &is.Digests); err != nil {
			return nil, nil, err
		}
		is.At = instant(at)
		ids, out = append(ids, id), append(out, is)
	}
	return ids, out, rows.Err()
}
