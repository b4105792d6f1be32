package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"hongyan/internal/ledger"
)

// A Reader reads a ledger and changes nothing.
type Reader struct{ pool *pgxpool.Pool }

// OpenReader opens a ledger for reading; [ErrEmpty] means that there is none.
func OpenReader(ctx context.Context, url string) (*Reader, error) {
	pool, err := connect(ctx, url, "reader")
	if err != nil {
		return nil, err
	}
	if err := versioned(ctx, pool); err != nil {
		pool.Close()
		return nil, wrap("ledger "+Name(url), err)
	}
	return &Reader{pool}, nil
}

// Close ends the use of the reader.
func (r *Reader) Close() error {
	r.pool.Close()
	return nil
}

// Key returns the ledger's own key. See [ledger.Store].
func (r *Reader) Key(ctx context.Context) ([]byte, error) {
	var key []byte
	err := r.pool.QueryRow(ctx, `SELECT key FROM install`).Scan(&key)
	return key, wrap("read the ledger's key", err)
}

// issue returns the number of an issue.
func (r *Reader) issue(ctx context.Context, k ledger.Key) (int64, error) {
	var id int64
	err := r.pool.QueryRow(ctx, `SELECT id FROM issue WHERE campaign = $1 AND issue = $2`, k.Campaign, k.Issue).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, unknown(k)
	}
	return id, wrap("look up "+k.String(), err)
}

func unknown(k ledger.Key) error { return fmt.Errorf("%s: %w", k, ledger.ErrUnknown) }

// page is how many entries are read at once. Between pages nothing is open, so
// a slow reader holds back no vacuum.
const page = 1000

// shown is the state of an entry. What was being sent by an account that its
// owner does not have any more becomes a doubt when the account is next taken or
// reaped, and is shown so before.
const shown = `(CASE WHEN d.state = 1 AND d.claim <> ALL(ARRAY(SELECT epoch FROM lease
	WHERE owner <> '' AND until > clock_timestamp())) THEN 5 ELSE d.state END)::smallint`

// columns is an entry as [scan] reads it.
const columns = `SELECT d.id, r.line, r.address, r.name, r.fields, ` + shown + `, coalesce(c.name, ''), d.attempts,
	d.message_id, d.begun, d.ended, d.due, coalesce(a.stage, ''), coalesce(a.code, 0), coalesce(a.enhanced, ''),
	coalesce(a.reply, ''), coalesce(a.class, ''), coalesce(a.rule, ''), coalesce(a.bytes, 0),
	coalesce(a.settled_by, ''), coalesce(a.settled_at, 0)
	FROM delivery d JOIN recipient r ON r.id = ANY(ARRAY[d.id])
	LEFT JOIN answer a ON a.id = ANY(ARRAY[d.id]) LEFT JOIN account c ON c.id = d.account `

// Entries streams entries. See [ledger.Reader].
func (r *Reader) Entries(ctx context.Context, k ledger.Key, f ledger.Filter) iter.Seq2[ledger.Entry, error] {
	return func(yield func(ledger.Entry, error) bool) {
		issue, err := r.issue(ctx, k)
		if err != nil {
			yield(ledger.Entry{}, err)
			return
		}
		f.After = max(first(issue), f.After)
		end := f.Last(first(issue))
		for e, err := range inPages("read entries of "+k.String(), f.Limit, func(n int) ([]ledger.Entry, error) {
			got, err := r.page(ctx, end, f, n)
			if len(got) > 0 {
				f.After = got[len(got)-1].ID
			}
			return got, err
		}) {
			e.Key = k
			if !yield(e, err) {
				return
			}
		}
	}
}

// inPages streams what next reads, at most n at once, until there is no more or
// limit is reached.
func inPages[T any](doing string, limit int, next func(n int) ([]T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for left := limit; ; {
			n := page
			if limit > 0 {
				n = min(page, left)
			}
			got, err := next(n)
			if err != nil {
				var none T
				yield(none, wrap(doing, err))
				return
			}
			for _, one := range got {
				if !yield(one, nil) {
					return
				}
			}
			if left -= len(got); len(got) < n || left == 0 {
				return
			}
		}
	}
}

// page reads the next n entries up to the number end. The first parameters bound the ids; the
// others are true by themselves where the filter says nothing.
func (r *Reader) page(ctx context.Context, end int64, f ledger.Filter, n int) ([]ledger.Entry, error) {
	var states []int16
	for _, s := range f.States {
		states = append(states, number(s))
	}
	rows, err := r.pool.Query(ctx, columns+`WHERE d.id > $1 AND d.id <= $2 AND ($3::smallint[] IS NULL OR `+shown+` = ANY($3))
		AND ($4 = '' OR c.name = $4)
		AND ($5 = '' OR strpos(lower(CASE WHEN r.address LIKE 'line:%' THEN '' ELSE r.address END COLLATE "C"), lower($5 COLLATE "C")) > 0
			OR strpos(lower(r.name COLLATE "C"), lower($5 COLLATE "C")) > 0
			OR strpos(lower(coalesce(a.reply, '') COLLATE "C"), lower($5 COLLATE "C")) > 0)
		ORDER BY d.id LIMIT $6`, f.After, end, states, f.Account, text(f.Text), n)
	if err != nil {
		return nil, err
	}
	return pgx.AppendRows(make([]ledger.Entry, 0, n), rows, scan)
}

func scan(row pgx.CollectableRow) (e ledger.Entry, err error) {
	var fields string
	var now int16
	var begun, ended, due, settled int64
	if err = row.Scan(&e.ID, &e.Line, &e.Address, &e.Name, &fields, &now, &e.Account, &e.Attempts,
		&e.MessageID, &begun, &ended, &due, &e.Stage, &e.Code, &e.Enhanced,
		&e.Reply, &e.Class, &e.Rule, &e.Bytes, &e.SettledBy, &settled); err != nil {
		return e, err
	}
	if addressless(e.Address) {
		e.Address = ""
	}
	if e.State = state(now); e.State == ledger.InDoubt && e.Stage == "" {
		e = e.Abandoned()
	}
	e.Begun, e.Ended, e.Due, e.SettledAt = instant(begun), instant(ended), instant(due), instant(settled)
	e.Fields, err = ledger.DecodeFields(fields)
	return e, err
}

// counting counts the rows from the recipients and the states from the
// deliveries, at one moment, and finds the time of the last event.
func counting() string {
	var b strings.Builder
	b.WriteString(`SELECT (SELECT count(*) FROM recipient WHERE id BETWEEN $1 AND $2), coalesce(max(greatest(begun, ended)), 0)`)
	for i := range ledger.States() {
		fmt.Fprintf(&b, ", count(*) FILTER (WHERE state = %d)", i)
	}
	b.WriteString(" FROM (SELECT begun, ended, " + shown + " AS state FROM delivery d WHERE id BETWEEN $1 AND $2) AS d")
	return b.String()
}

// Totals counts an issue. See [ledger.Reader].
func (r *Reader) Totals(ctx context.Context, k ledger.Key) (ledger.Totals, error) {
	issue, err := r.issue(ctx, k)
	if err != nil {
		return ledger.Totals{}, err
	}
	t, _, err := r.totals(ctx, issue)
	return t, wrap("count "+k.String(), err)
}

// totals also returns the time of the last event.
func (r *Reader) totals(ctx context.Context, issue int64) (t ledger.Totals, at int64, err error) {
	n := make([]int, len(ledger.States()))
	dest := []any{&t.Rows, &at}
	for i := range n {
		dest = append(dest, &n[i])
	}
	err = r.pool.QueryRow(ctx, counting(), first(issue), last(issue)).Scan(dest...)
	for i, s := range ledger.States() {
		t.Add(s, n[i])
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
	rows, err := r.pool.Query(ctx, `SELECT id, campaign, issue, digests, planned, complete FROM issue ORDER BY planned DESC, id DESC`)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, at int64
		var is ledger.Issue
		var digests string
		if err := rows.Scan(&id, &is.Campaign, &is.Key.Issue, &digests, &at, &is.Complete); err != nil {
			return nil, nil, err
		}
		if err := json.Unmarshal([]byte(digests), &is.Digests); err != nil {
			return nil, nil, err
		}
		is.At = instant(at)
		ids, out = append(ids, id), append(out, is)
	}
	return ids, out, rows.Err()
}
