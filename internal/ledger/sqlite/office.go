package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"iter"

	"hongyan/internal/ledger"
)

const suppressions = `SELECT list, address, source, reason, by, at FROM suppression `

// Suppressed says whether an address gets no mail. See [ledger.Suppressor].
func (r *Reader) Suppressed(ctx context.Context, list, address string) (ledger.Suppression, bool, error) {
	s, err := scanSuppression(r.suppressed.QueryRowContext(ctx, ledger.Folded(address), list))
	if errors.Is(err, sql.ErrNoRows) {
		return ledger.Suppression{}, false, nil
	}
	return s, err == nil, wrap("look up the suppression of "+address, err)
}

func scanSuppression(row interface{ Scan(...any) error }) (s ledger.Suppression, err error) {
	var at int64
	err = row.Scan(&s.List, &s.Address, &s.Source, &s.Reason, &s.By, &at)
	s.At = instant(at)
	return s, err
}

// Suppressions streams suppressions. An address is folded, so that a folded text
// is found in it as it stands, in less than half of LIKE's time; most reasons are
// too short for it. See [ledger.Suppressor].
func (r *Reader) Suppressions(ctx context.Context, f ledger.SuppressionFilter) iter.Seq2[ledger.Suppression, error] {
	after := f.After
	return inPages("read suppressions", f.Limit, func(n int) ([]ledger.Suppression, error) {
		rows, err := r.db.QueryContext(ctx, suppressions+`WHERE (address, list) > (?1, ?2) AND (?3 IS NULL OR list = ?3)
			AND (instr(address, lower(?6)) OR octet_length(reason) >= octet_length(?6) AND reason LIKE ?4 ESCAPE '\')
			ORDER BY address, list LIMIT ?5`, after.Address, after.List, f.List, containing(f.Text), n, f.Text)
		got, err := collect(rows, err, func(s *ledger.Suppression) (err error) {
			*s, err = scanSuppression(rows)
			return err
		})
		if len(got) > 0 {
			after = got[len(got)-1]
		}
		return got, err
	})
}

// Acts streams the log of acts. See [ledger.Journal].
func (r *Reader) Acts(ctx context.Context, before int64, limit int) iter.Seq2[ledger.Act, error] {
	return inPages("read the log of acts", limit, func(n int) ([]ledger.Act, error) {
		rows, err := r.db.QueryContext(ctx, `SELECT id, at, by, what, campaign, issue, about, note FROM act
			WHERE ?1 = 0 OR id < ?1 ORDER BY id DESC LIMIT ?2`, before, n)
		got, err := collect(rows, err, func(a *ledger.Act) error {
			var at int64
			err := rows.Scan(&a.ID, &at, &a.By, &a.What, &a.Campaign, &a.Issue, &a.About, &a.Note)
			a.At = instant(at)
			return err
		})
		if len(got) > 0 {
			before = got[len(got)-1].ID
		}
		return got, err
	})
}

// Paper returns what a paper says. See [ledger.Shelf].
func (r *Reader) Paper(ctx context.Context, shelf, name string) ([]byte, error) {
	var body []byte
	err := r.db.QueryRowContext(ctx, `SELECT body FROM paper WHERE shelf = ?1 AND name = ?2`, shelf, name).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, wrap("read paper "+shelf+"/"+name, err)
	}
	return blob(body), nil
}

// Papers streams the papers of a shelf. See [ledger.Shelf].
func (r *Reader) Papers(ctx context.Context, shelf string) iter.Seq2[ledger.Paper, error] {
	after, begun := "", false
	return inPages("read papers of "+shelf, 0, func(n int) ([]ledger.Paper, error) {
		rows, err := r.db.QueryContext(ctx, `SELECT name, body, at FROM paper
			WHERE shelf = ?1 AND (name > ?2 OR NOT ?3) ORDER BY name LIMIT ?4`, shelf, after, begun, n)
		got, err := collect(rows, err, func(p *ledger.Paper) error {
			var at int64
			err := rows.Scan(&p.Name, &p.Body, &at)
			p.Body, p.At = blob(p.Body), instant(at)
			return err
		})
		if len(got) > 0 {
			after, begun = got[len(got)-1].Name, true
		}
		return got, err
	})
}

// inPages streams what next reads, at most n at once, until there is no more or
// limit is reached. Between pages nothing is open.
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

// collect reads all rows of a query and closes them.
func collect[T any](rows *sql.Rows, err error, scan func(*T) error) (out []T, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one T
		if err := scan(&one); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, rows.Err()
}
