package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/intake"
)

// chunk is how many rows are written at once.
const chunk = 5000

// enqueueLock is the class of the advisory locks, by issue, of whoever enqueues;
// ledgers in several schemas of one database do not meet.
const enqueueLock = `hashtext('hongyan enqueue ' || current_schema())`

// ErrEnqueuing means that another process is reading the list of an issue.
var ErrEnqueuing = errors.New("is being enqueued already")

// A pass is one Enqueue over the list of one issue.
type pass struct {
	s     *Store
	issue int64
	done  ledger.Enqueued
	seen  intake.Bits   // entries that this pass has met
	met   *intake.Sieve // addresses that may be in the tables; nil: all may
	next  int64         // id of the next new entry
}

// A line is a row on its way into the tables.
type line struct {
	ledger.Row
	address string // or what stands for it
	key     string // what it is known by, see [ledger.Folded]
	fields  string // as JSON
}

// A was is what the tables say of an address.
type was struct {
	id      int64
	line    int
	state   int16
	account int64
}

// Enqueue writes the list down. See [ledger.Planner].
func (s *Store) Enqueue(ctx context.Context, k ledger.Key, rows iter.Seq2[ledger.Row, error]) (ledger.Enqueued, error) {
	issue, err := s.issue(ctx, k)
	if err != nil {
		return ledger.Enqueued{}, err
	}
	// The lock lives with its connection: a dead process holds nobody up.
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return ledger.Enqueued{}, wrap("enqueue "+k.String(), err)
	}
	defer conn.Release()
	var free bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(`+enqueueLock+`, $1)`, issue).Scan(&free); err != nil {
		return ledger.Enqueued{}, wrap("enqueue "+k.String(), err)
	}
	if !free {
		return ledger.Enqueued{}, fmt.Errorf("%s %w", k, ErrEnqueuing)
	}
	defer unlock(ctx, conn.Conn(), issue)
	p := &pass{s: s, issue: issue}
	return p.done, wrap("enqueue "+k.String(), p.run(ctx, rows))
}

// unlock lets others enqueue; a connection that cannot say so is closed.
func unlock(ctx context.Context, conn *pgx.Conn, issue int64) {
	ctx = context.WithoutCancel(ctx)
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock(`+enqueueLock+`, $1)`, issue); err != nil {
		_ = conn.Close(ctx) // that ends the lock too
	}
}

// run reads rows into chunks beside writing them. Nothing is locked but the pass
// itself while the list is being read, however slow it is.
func (p *pass) run(ctx context.Context, rows iter.Seq2[ledger.Row, error]) error {
	var size int64
	if err := p.s.pool.QueryRow(ctx, `SELECT size FROM issue WHERE id = $1`, p.issue).Scan(&size); err != nil {
		return err
	}
	p.next = first(p.issue) + size + 1
	if size == 0 {
		p.met = intake.NewSieve(1 << 26)
	}
	for lines, err := range intake.Chunks(rows, chunk, newLine) {
		if failed := p.flush(ctx, lines); failed != nil || err != nil {
			return errors.Join(err, failed)
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return p.finish(ctx)
}

func newLine(row ledger.Row) (line, error) {
	l := line{Row: row, address: text(row.Address)}
	if row.Address == "" {
		if row.Skip == "" {
			return l, fmt.Errorf("line %d: a row without address must say why it is skipped", row.Line)
		}
		l.address = addresslessPrefix + strconv.Itoa(row.Line)
	}
	l.key, l.fields = ledger.Folded(l.address), ledger.EncodeFields(row.Fields)
	l.Fields = nil
	return l, nil
}

// A row without an address is known by its line. The colon keeps it apart from
// every address.
const addresslessPrefix = "line:"

func addressless(address string) bool { return strings.HasPrefix(address, addresslessPrefix) }

// changes are what one chunk has to write.
type changes struct {
	recipients, deliveries, answers [][]any
	moved, lines                    []int64 // entries whose line follows the list
	replaced                        []replaced
}

// A replaced is a skipped entry of an earlier pass as its row is now.
type replaced struct {
	*was
	line
}

// flush settles one chunk.
func (p *pass) flush(ctx context.Context, lines []line) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if len(lines) == 0 {
		return nil
	}
	known, err := p.known(ctx, lines)
	if err != nil {
		return err
	}
	for i := range lines {
		p.met.Add(lines[i].key)
	}
	var c changes
	before := p.next
	for i := range lines {
		p.add(&c, known, &lines[i])
	}
	if p.next == before && len(c.moved) == 0 && len(c.replaced) == 0 {
		return nil
	}
	return p.s.transact(ctx, func(tx pgx.Tx) error { return p.write(ctx, tx, &c) })
}

// known looks up what earlier passes and chunks have entered: hardly anything
// when the list is new.
func (p *pass) known(ctx context.Context, lines []line) (map[string]*was, error) {
	known := make(map[string]*was, len(lines))
	var keys []string
	for i := range lines {
		if p.met.Maybe(lines[i].key) {
			keys = append(keys, lines[i].key)
		}
	}
	if len(keys) == 0 {
		return known, nil
	}
	rows, err := p.s.pool.Query(ctx, `SELECT v.key, r.id, r.line, d.state, d.account FROM unnest($2::text[]) AS v(key)
		CROSS JOIN LATERAL (SELECT id, line FROM recipient WHERE (id >> 32) = $1 AND lower(address) = v.key COLLATE "C" LIMIT 1) AS r
		JOIN delivery d ON d.id = ANY(ARRAY[r.id])`, p.issue, keys)
	if err != nil {
		return nil, err
	}
	var key string
	var w was
	_, err = pgx.ForEachRow(rows, []any{&key, &w.id, &w.line, &w.state, &w.account}, func() error {
		found := w
		known[strings.Clone(key)] = &found
		return nil
	})
	return known, err
}

// add gives one row its place.
func (p *pass) add(c *changes, known map[string]*was, l *line) {
	p.done.Rows++
	if l.Skip != "" {
		p.done.Skipped++
	}
	w := known[l.key]
	switch {
	case w == nil:
		known[l.key] = p.insert(c, l)
	case p.seen.Has(w.id):
		p.done.Duplicates++
		if len(p.done.Listed) < ledger.ListedDuplicates {
			p.done.Listed = append(p.done.Listed, ledger.Duplicate{Address: l.Address, Line: l.Line, First: w.line})
		}
	default:
		p.seen.Set(w.id)
		p.meet(c, w, l)
	}
}

// insert makes a new entry.
func (p *pass) insert(c *changes, l *line) *was {
	w := &was{id: p.next, line: l.Line}
	p.next++
	p.done.Added++
	p.seen.Set(w.id)
	c.recipients = append(c.recipients, []any{w.id, int32(l.Line), l.address, text(l.Name), l.fields})
	if l.Skip != "" {
		w.state = skipped
		c.answers = append(c.answers, []any{w.id, text(ledger.Bounded(l.Skip))})
	}
	c.deliveries = append(c.deliveries, []any{w.id, w.state})
	return w
}

// meet is the first meeting of this pass with an entry of an earlier one.
func (p *pass) meet(c *changes, w *was, l *line) {
	switch {
	case w.state != skipped:
		p.done.Known++
		if w.line != l.Line {
			c.moved, c.lines = append(c.moved, w.id), append(c.lines, int64(l.Line))
		}
	case l.Skip != "":
		p.done.Known++
		c.replaced = append(c.replaced, replaced{w, *l})
	default:
		p.done.Cured++
		c.replaced = append(c.replaced, replaced{w, *l})
	}
	w.line = l.Line
}

// write enters a chunk. The issue's row is locked first: claims wait, and then
// see all of it.
func (p *pass) write(ctx context.Context, tx pgx.Tx, c *changes) error {
	t := &trans{ctx: ctx, tx: tx}
	t.exec(`UPDATE issue SET size = $2 WHERE id = $1`, p.issue, p.next-1-first(p.issue))
	t.copy("recipient", []string{"id", "line", "address", "name", "fields"}, c.recipients)
	t.copy("delivery", []string{"id", "state"}, c.deliveries)
	t.copy("answer", []string{"id", "reply"}, c.answers)
	if len(c.moved) > 0 {
		t.exec(`UPDATE recipient r SET line = v.line FROM unnest($1::bigint[], $2::bigint[]) AS v(id, line) WHERE r.id = ANY(ARRAY[v.id])`,
			c.moved, c.lines)
	}
	for _, r := range c.replaced {
		t.replace(r)
	}
	return t.err
}

func (t *trans) copy(table string, columns []string, rows [][]any) {
	if t.err == nil && len(rows) > 0 {
		_, t.err = t.tx.CopyFrom(t.ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
	}
}

// replace makes a skipped entry what its row says now: skipped for a new
// reason, or open again.
func (t *trans) replace(r replaced) {
	t.exec(`UPDATE recipient SET line = $2, name = $3, fields = $4 WHERE id = $1`, r.id, r.Line, text(r.Name), r.fields)
	if r.Skip != "" {
		t.answer(ledger.Outcome{ID: r.id, Reply: r.Skip})
		return
	}
	t.cure(r.id)
}

// cure makes a skipped entry open again: queued, or due at once by the account
// that it was tried through.
func (t *trans) cure(id int64) {
	if t.exec(`UPDATE delivery SET state = 0, ended = 0 WHERE id = $1 AND account = 0`, id) == 1 {
		t.exec(`DELETE FROM answer WHERE id = $1`, id)
		t.exec(`INSERT INTO loose (issue, id) SELECT id, $1 FROM issue
			WHERE id = $1::bigint >> 32 AND $1::bigint <= (id << 32) + cursor ON CONFLICT DO NOTHING`, id)
		return
	}
	t.exec(`UPDATE delivery SET state = 4, due = ended WHERE id = $1`, id)
	t.comesDue(id)
}

// finish ends a pass that has seen the whole list: rows without address that it
// has not seen are gone from it.
func (p *pass) finish(ctx context.Context) error {
	return p.s.transact(ctx, func(tx pgx.Tx) error {
		ids, err := column(ctx, tx, `SELECT id FROM recipient WHERE (id >> 32) = $1 AND lower(address) >= $2 AND lower(address) < 'line;'`,
			p.issue, addresslessPrefix)
		if err != nil {
			return err
		}
		var gone []int64
		for _, id := range ids {
			if !p.seen.Has(id) {
				gone = append(gone, id)
			}
		}
		t := &trans{ctx: ctx, tx: tx}
		if len(gone) > 0 {
			t.exec(`DELETE FROM answer WHERE id = ANY($1)`, gone)
			t.exec(`DELETE FROM delivery WHERE id = ANY($1)`, gone)
			t.exec(`DELETE FROM recipient WHERE id = ANY($1)`, gone)
		}
		t.exec(`UPDATE issue SET complete = true WHERE id = $1 AND NOT complete`, p.issue)
		return t.err
	})
}
