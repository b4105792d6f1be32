package postgres

import (
	"context"
	"errors"
	"iter"

	"github.com/jackc/pgx/v5"

	"hongyan/internal/ledger"
)

const suppressions = `SELECT list, address, source, reason, by, at FROM suppression `

// Suppressed says whether an address gets no mail. See [ledger.Suppressor].
func (r *Reader) Suppressed(ctx context.Context, list, address string) (ledger.Suppression, bool, error) {
	var b pgx.Batch
	found := suppressed(&b, []string{list}, []string{address})
	err := r.pool.SendBatch(ctx, &b).Close()
	s, ok := found[0]
	return s, ok, wrap("look up the suppression of "+address, err)
}

// suppressed has a batch look up many at once; what is found comes by their place.
func suppressed(b *pgx.Batch, lists, addresses []string) map[int]ledger.Suppression {
	folded, on := make([]string, len(addresses)), make([]string, len(lists))
	for i := range addresses {
		folded[i], on[i] = text(ledger.Folded(addresses[i])), text(lists[i])
	}
	found := map[int]ledger.Suppression{}
	b.Queue(`SELECT v.n, s.* FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS v(address, list, n)
		CROSS JOIN LATERAL (`+suppressions+`WHERE address = v.address AND list IN (v.list, '') ORDER BY list DESC LIMIT 1) AS s`, folded, on).Query(func(rows pgx.Rows) error {
		var n int
		var at int64
		var s ledger.Suppression
		_, err := pgx.ForEachRow(rows, []any{&n, &s.List, &s.Address, &s.Source, &s.Reason, &s.By, &at}, func() error {
			s.At = instant(at)
			found[n-1] = s
			return nil
		})
		return err
	})
	return found
}

func scanSuppression(row pgx.CollectableRow) (s ledger.Suppression, err error) {
	var at int64
	err = row.Scan(&s.List, &s.Address, &s.Source, &s.Reason, &s.By, &at)
	s.At = instant(at)
	return s, err
}

// Suppressions streams suppressions. See [ledger.Suppressor].
func (r *Reader) Suppressions(ctx context.Context, f ledger.SuppressionFilter) iter.Seq2[ledger.Suppression, error] {
	after := f.After
	return inPages("read suppressions", f.Limit, func(n int) ([]ledger.Suppression, error) {
		rows, err := r.pool.Query(ctx, suppressions+`WHERE (address, list) > ($1, $2) AND ($3::text IS NULL OR list = $3)
			AND ($4 = '' OR strpos(lower(address COLLATE "C"), lower($4 COLLATE "C")) > 0
				OR strpos(lower(reason COLLATE "C"), lower($4 COLLATE "C")) > 0)
			ORDER BY address, list LIMIT $5`, text(after.Address), text(after.List), f.List, text(f.Text), n)
		if err != nil {
			return nil, err
		}
		got, err := pgx.CollectRows(rows, scanSuppression)
		if len(got) > 0 {
			after = got[len(got)-1]
		}
		return got, err
	})
}

// Suppress writes suppressions down. See [ledger.Suppressor].
func (s *Store) Suppress(ctx context.Context, all ...ledger.Suppression) (added int, err error) {
	for _, one := range all {
		if err := one.Check(); err != nil {
			return 0, err
		}
	}
	defer s.slate.changed()
	for len(all) > 0 {
		if err := ctx.Err(); err != nil {
			return added, wrap("suppress", context.Cause(ctx))
		}
		n := min(chunk, len(all))
		more, err := s.suppress(ctx, all[:n])
		if err != nil {
			return added, wrap("suppress", err)
		}
		added, all = added+more, all[n:]
	}
	return added, nil
}

func (s *Store) suppress(ctx context.Context, all []ledger.Suppression) (int, error) {
	var addresses, lists, sources, reasons, by []string
	var at []int64
	for _, one := range all {
		addresses = append(addresses, text(ledger.Folded(one.Address)))
		lists = append(lists, text(one.List))
		sources = append(sources, string(one.Source))
		reasons = append(reasons, text(ledger.Bounded(one.Reason)))
		by = append(by, text(one.By))
		at = append(at, millis(one.At))
	}
	tag, err := s.pool.Exec(ctx, `INSERT INTO suppression (address, list, source, reason, by, at)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) ON CONFLICT DO NOTHING`,
		addresses, lists, sources, reasons, by, at)
	return int(tag.RowsAffected()), err
}

// Unsuppress takes a suppression back. See [ledger.Suppressor].
func (s *Store) Unsuppress(ctx context.Context, list, address string) (bool, error) {
	defer s.slate.changed()
	tag, err := s.pool.Exec(ctx, `DELETE FROM suppression WHERE address = $1 AND list = $2`,
		text(ledger.Folded(address)), text(list))
	return tag.RowsAffected() == 1, wrap("take back the suppression of "+address, err)
}

// Note writes an act down. See [ledger.Journal]. Ids are given one after the
// other, so that whoever reads on from an id misses none.
func (s *Store) Note(ctx context.Context, a ledger.Act) error {
	if err := a.Check(); err != nil {
		return err
	}
	err := s.transact(ctx, func(tx pgx.Tx) error {
		t := &trans{ctx: ctx, tx: tx}
		t.exec(`LOCK TABLE act IN EXCLUSIVE MODE`)
		t.exec(`INSERT INTO act (at, by, what, campaign, issue, about, note) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			millis(a.At), text(a.By), text(a.What), text(a.Campaign), text(a.Issue), text(a.About), text(ledger.Bounded(a.Note)))
		return t.err
	})
	return wrap("write down what was done", err)
}

// Acts streams the log of acts. See [ledger.Journal].
func (r *Reader) Acts(ctx context.Context, before int64, limit int) iter.Seq2[ledger.Act, error] {
	return inPages("read the log of acts", limit, func(n int) ([]ledger.Act, error) {
		rows, err := r.pool.Query(ctx, `SELECT id, at, by, what, campaign, issue, about, note FROM act
			WHERE $1 = 0 OR id < $1 ORDER BY id DESC LIMIT $2`, before, n)
		if err != nil {
			return nil, err
		}
		got, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a ledger.Act, err error) {
			var at int64
			err = row.Scan(&a.ID, &at, &a.By, &a.What, &a.Campaign, &a.Issue, &a.About, &a.Note)
			a.At = instant(at)
			return a, err
		})
		if len(got) > 0 {
			before = got[len(got)-1].ID
		}
		return got, err
	})
}

// now is the database's clock in milliseconds.
const now = `(extract(epoch FROM clock_timestamp()) * 1000)::bigint`

// Put leaves a paper. See [ledger.Shelf].
func (s *Store) Put(ctx context.Context, shelf, name string, body []byte) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO paper (shelf, name, body, at) VALUES ($1, $2, $3, `+now+`)
		ON CONFLICT (shelf, name) DO UPDATE SET body = excluded.body, at = excluded.at`, shelf, name, blob(body))
	return wrap("put paper "+shelf+"/"+name, err)
}

// PutNew leaves a paper unless there is one. See [ledger.Shelf].
func (s *Store) PutNew(ctx context.Context, shelf, name string, body []byte) (bool, error) {
	tag, err := s.pool.Exec(ctx, `INSERT INTO paper (shelf, name, body, at) VALUES ($1, $2, $3, `+now+`)
		ON CONFLICT DO NOTHING`, shelf, name, blob(body))
	return tag.RowsAffected() == 1, wrap("put paper "+shelf+"/"+name, err)
}

// Discard takes a paper away. See [ledger.Shelf].
func (s *Store) Discard(ctx context.Context, shelf, name string) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM paper WHERE shelf = $1 AND name = $2`, shelf, name)
	return wrap("discard paper "+shelf+"/"+name, err)
}

// Paper returns what a paper says. See [ledger.Shelf].
func (r *Reader) Paper(ctx context.Context, shelf, name string) ([]byte, error) {
	var body []byte
	err := r.pool.QueryRow(ctx, `SELECT body FROM paper WHERE shelf = $1 AND name = $2`, shelf, name).Scan(&body)
	if errors.Is(err, pgx.ErrNoRows) {
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
		rows, err := r.pool.Query(ctx, `SELECT name, body, at FROM paper
			WHERE shelf = $1 AND (name > $2 OR NOT $3) ORDER BY name LIMIT $4`, shelf, after, begun, n)
		if err != nil {
			return nil, err
		}
		got, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p ledger.Paper, err error) {
			var at int64
			err = row.Scan(&p.Name, &p.Body, &at)
			p.Body, p.At = blob(p.Body), instant(at)
			return p, err
		})
		if len(got) > 0 {
			after, begun = got[len(got)-1].Name, true
		}
		return got, err
	})
}

// blob makes nothing an empty something.
func blob(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
