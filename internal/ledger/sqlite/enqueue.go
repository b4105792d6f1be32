package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"hongyan/internal/ledger"
	"hongyan/internal/ledger/intake"
)

// chunk is how many rows are written at once; between two of them the line
// records what it sent.
const chunk = 250

// A pass is one Enqueue over the list of one issue.
type pass struct {
	s     *Store
	issue int64
	desk  *desk
	done  ledger.Enqueued
	seen  intake.Bits // entries that this pass has met
	next  int64       // id of the next new entry
	roll  *roll
	known known   // walks along the entries of earlier passes
	cured []int64 // in the transaction that is being written
}

// A line is a row on its way into the tables.
type line struct {
	ledger.Row
	address string // or what stands for it
	key     string // what it is known by, see [ledger.Folded]
	fields  string // as JSON
	was     *was   // the entry it meets, if that is known already
}

// Enqueue writes the list down. See [ledger.Planner].
func (s *Store) Enqueue(ctx context.Context, k ledger.Key, rows iter.Seq2[ledger.Row, error]) (ledger.Enqueued, error) {
	issue, err := s.issue(ctx, k)
	if err != nil {
		return ledger.Enqueued{}, err
	}
	d := s.desk(issue)
	if !d.enter() {
		return ledger.Enqueued{}, fmt.Errorf("%s is being enqueued already", k)
	}
	defer d.leave()
	p := &pass{s: s, issue: issue, desk: d}
	if err := p.start(ctx); err != nil {
		return ledger.Enqueued{}, wrap("enqueue "+k.String(), err)
	}
	if err := p.run(ctx, rows); err != nil {
		return p.done, wrap("enqueue "+k.String(), err)
	}
	return p.done, wrap("enqueue "+k.String(), p.finish())
}

func (d *desk) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	free := !d.enqueuing
	d.enqueuing = true
	return free
}

func (d *desk) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.enqueuing = false
}

// start finds out where the last pass ended.
func (p *pass) start(ctx context.Context) error {
	var size, indexed int64
	err := p.s.db.QueryRowContext(ctx, `SELECT size, indexed FROM issue WHERE id = ?1`, p.issue).Scan(&size, &indexed)
	if err != nil {
		return err
	}
	end := first(p.issue) + size
	p.next, p.known = end+1, known{at: first(p.issue), end: end}
	p.roll, err = openRoll(ctx, p.s.Reader, p.issue, indexed, end)
	return err
}

// run writes chunk after chunk, and reads the next one meanwhile. Nothing is
// locked while the list is being read, however slow it is.
func (p *pass) run(ctx context.Context, rows iter.Seq2[ledger.Row, error]) error {
	for lines, err := range intake.Chunks(rows, chunk, newLine) {
		if failed := p.flush(ctx, lines); failed != nil || err != nil {
			return errors.Join(err, failed)
		}
	}
	return nil
}

func newLine(row ledger.Row) (line, error) {
	l := line{Row: row, address: row.Address}
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

// flush settles one chunk. A list that is enqueued again unchanged meets its
// own entries in the same order, and nothing is written at all.
func (p *pass) flush(ctx context.Context, lines []line) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	write := false
	for i := range lines {
		was, err := p.known.meet(ctx, p.s, lines[i].key)
		if err != nil {
			return err
		}
		lines[i].was = was
		write = write || was == nil || was.differs(lines[i])
	}
	if !write {
		for i := range lines {
			p.add(nil, &lines[i])
		}
		return nil
	}
	met := lines[len(lines)-1].was
	err := p.s.writer.write(func(t *tx) {
		for i := range lines {
			p.add(t, &lines[i])
		}
		t.exec(`UPDATE issue SET size = ?2 WHERE id = ?1 AND size <> ?2`, p.issue, p.size())
		if len(p.roll.recent) >= p.s.batch {
			p.roll.enter(t, p.size())
		}
	})
	// Only now: a claim that came before the commit would have walked past them.
	for _, id := range p.cured {
		p.desk.rewind(id)
	}
	p.cured = p.cured[:0]
	if now := lines[len(lines)-1].was; met == nil && now != nil {
		p.known.resume(now.id)
	}
	return err
}

// size is the last number given to an entry.
func (p *pass) size() int64 { return p.next - 1 - first(p.issue) }

// add gives one row its place.
func (p *pass) add(t *tx, l *line) {
	p.done.Rows++
	if l.Skip != "" {
		p.done.Skipped++
	}
	if l.was == nil {
		id := p.roll.find(t, l.key)
		if id == 0 {
			p.insert(t, l)
			return
		}
		l.was = t.was(id)
	}
	if p.seen.Has(l.was.id) {
		p.duplicate(t, l)
		return
	}
	p.seen.Set(l.was.id)
	p.meet(t, l)
}

// insert makes a new entry.
func (p *pass) insert(t *tx, l *line) {
	id := p.next
	p.next++
	p.done.Added++
	p.seen.Set(id)
	p.roll.add(l.key, id)
	t.changes(id)
	t.exec(`INSERT INTO recipient (id, line, address, name, fields) VALUES (?, ?, ?, ?, ?)`,
		id, l.Line, l.address, l.Name, l.fields)
	if l.Skip == "" {
		t.exec(`INSERT INTO delivery (id, state) VALUES (?, 0)`, id)
		return
	}
	t.exec(`INSERT INTO delivery (id, state) VALUES (?1, 6)`, id)
	t.exec(`INSERT OR REPLACE INTO answer (id, reply) VALUES (?1, ?2)`, id, ledger.Bounded(l.Skip))
}

// duplicate reads the first one's line again, since this pass may have moved it.
func (p *pass) duplicate(t *tx, l *line) {
	p.done.Duplicates++
	if len(p.done.Listed) < ledger.ListedDuplicates {
		if t != nil {
			l.was = t.was(l.was.id)
		}
		p.done.Listed = append(p.done.Listed, ledger.Duplicate{Address: l.Address, Line: l.Line, First: l.was.line})
	}
}

// meet is the first meeting of this pass with an entry of an earlier one.
func (p *pass) meet(t *tx, l *line) {
	switch {
	case l.was.state != skipped:
		p.done.Known++
		if l.was.line != l.Line {
			t.exec(`UPDATE recipient SET line = ?2 WHERE id = ?1`, l.was.id, l.Line)
		}
	case l.Skip != "":
		p.done.Known++
		t.replace(l)
		t.exec(`INSERT OR REPLACE INTO answer (id, reply) VALUES (?1, ?2)`, l.was.id, ledger.Bounded(l.Skip))
	default:
		p.done.Cured++
		t.replace(l)
		t.cure(l.was.id)
		p.cured = append(p.cured, l.was.id)
	}
	l.was.line = l.Line
}

func (t *tx) replace(l *line) {
	t.exec(`UPDATE recipient SET line = ?2, name = ?3, fields = ?4 WHERE id = ?1`, l.was.id, l.Line, l.Name, l.fields)
}

// cure makes a skipped entry open again: queued, or due at once by the account
// that it was tried through.
func (t *tx) cure(id int64) {
	t.changes(id)
	if t.exec(`UPDATE delivery SET state = 0, ended = 0 WHERE id = ?1 AND account = 0`, id) == 1 {
		t.exec(`DELETE FROM answer WHERE id = ?1`, id)
		return
	}
	t.exec(`UPDATE delivery SET state = 4, due = ended WHERE id = ?1`, id)
	t.comesDue(id)
}

// finish ends a pass that has seen the whole list.
func (p *pass) finish() error {
	return p.s.writer.write(func(t *tx) {
		p.roll.enter(t, p.size())
		for _, id := range t.addressless(p.issue) {
			if !p.seen.Has(id) {
				t.forget(id)
			}
		}
		t.exec(`UPDATE issue SET complete = 1 WHERE id = ?1 AND complete = 0`, p.issue)
	})
}

// forget removes an entry that nobody has tried.
func (t *tx) forget(id int64) {
	t.changes(id)
	t.exec(`DELETE FROM address WHERE (issue, address) IN (SELECT id >> 32, address FROM recipient WHERE id = ?1)`, id)
	t.exec(`DELETE FROM answer WHERE id = ?1`, id)
	t.exec(`DELETE FROM delivery WHERE id = ?1`, id)
	t.exec(`DELETE FROM recipient WHERE id = ?1`, id)
}
