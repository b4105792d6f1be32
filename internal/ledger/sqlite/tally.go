package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"hongyan/internal/ledger"
)

// A tally has what the entries of each issue come to, so that who looks often,
// like a dashboard, counts only what has changed since. It is counted from the
// tables, block by block of entries that lie side by side; whatever writes
// entries makes their blocks strange to it. That holds because nobody but the
// [Store], alone in its process, writes entries. It is in memory only, and
// neither Totals nor Verify believe it: they count.
type tally struct {
	mu      sync.Mutex // held while blocks are counted
	issues  map[int64]*sheet
	strange *strange
}

// A sheet is the tally of one issue.
type sheet struct {
	grain  time.Duration // of its blocks' moments
	blocks map[int64]*block
}

// coarse is the grain of moments unless finer ones were asked for: few enough
// to keep of every issue.
const coarse = time.Minute

// A block is what some thousand entries come to.
type block struct {
	rows    int
	states  [suppressed + 1]int
	last    int64         // event of them
	moments map[int64]int // by grain and state, see [slot]
}

// blockBits is how many low bits of an entry's id tell it from the others of its block.
const blockBits = 12

// strange are the blocks that were written since they were last counted. The
// line waits for nobody here: it is locked for a few words.
type strange struct {
	mu     sync.Mutex
	blocks map[int64]struct{}
}

func newTally() *tally {
	return &tally{issues: map[int64]*sheet{}, strange: &strange{blocks: map[int64]struct{}{}}}
}

func (s *strange) add(blocks []int64) {
	if len(blocks) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range blocks {
		s.blocks[b] = struct{}{}
	}
}

// take hands over those of an issue.
func (s *strange) take(issue int64) (out []int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for b := range s.blocks {
		if b>>(32-blockBits) == issue {
			out = append(out, b)
			delete(s.blocks, b)
		}
	}
	slices.Sort(out)
	return out
}

// Issues lists all issues, of which it counts only what was written since they
// were last listed. See [ledger.Reader].
func (s *Store) Issues(ctx context.Context) ([]ledger.Issue, error) {
	ids, out, err := s.issues(ctx)
	if err != nil {
		return nil, wrap("list issues", err)
	}
	for i := range out {
		err := s.tally.look(ctx, s.Reader, ids[i], 0, func(sheet *sheet) { sheet.sum(&out[i]) })
		if err != nil {
			return nil, wrap("count "+out[i].Key.String(), err)
		}
	}
	return out, nil
}

// Timeline counts entries by time and state, those written since it was last
// asked. See [ledger.Reader].
func (s *Store) Timeline(ctx context.Context, k ledger.Key, step time.Duration) (out []ledger.Moment, err error) {
	if step < time.Millisecond {
		return s.Reader.Timeline(ctx, k, step) // which knows what to say
	}
	issue, err := s.issue(ctx, k)
	if err != nil {
		return nil, err
	}
	err = s.tally.look(ctx, s.Reader, issue, step, func(sheet *sheet) { out = sheet.timeline(step) })
	return out, wrap("read the timeline of "+k.String(), err)
}

// look brings the sheet of an issue up to date and lets use read it. Its grain
// will divide step; 0 takes it as it is.
func (t *tally) look(ctx context.Context, r *Reader, issue int64, step time.Duration, use func(*sheet)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	step = step.Truncate(time.Millisecond)
	// What is written from here on is strange again, before and after this count.
	blocks := t.strange.take(issue)
	s := t.issues[issue]
	if s == nil || step%s.grain != 0 {
		end, err := r.end(ctx, issue)
		if err != nil {
			t.strange.add(blocks)
			return err
		}
		s = &sheet{grain: grain(step), blocks: map[int64]*block{}}
		blocks = between(first(issue), end)
		delete(t.issues, issue)
	}
	counted, err := r.count(ctx, blocks, s.grain)
	if err != nil {
		t.strange.add(blocks)
		return err
	}
	maps.Copy(s.blocks, counted)
	t.issues[issue] = s
	use(s)
	return nil
}

// grain is the one that a step is made of.
func grain(step time.Duration) time.Duration {
	if step%coarse == 0 {
		return coarse
	}
	return step
}

// between are the blocks of the entries from the first to the last.
func between(first, last int64) (out []int64) {
	for b := first >> blockBits; b <= last>>blockBits; b++ {
		out = append(out, b)
	}
	return out
}

// blockwise is one statement, hence one moment, and one number a row, since every
// column costs as much as the reading: the entries of some blocks, each with its
// block from ?2 on, the time of its last event and its state; and after them how
// many recipients each block has, counted on their own, as a number below nothing.
const blockwise = `SELECT (d.id >> 12) - ?2 << 45 | (iif(d.ended > d.begun, d.ended, d.begun) << 3) | d.state
	FROM json_each(?1) b CROSS JOIN delivery d ON d.id BETWEEN b.value << 12 AND (b.value << 12) + 4095
	UNION ALL SELECT -1 - (b.value - ?2 << 13 | (SELECT count(*) FROM recipient r
		WHERE r.id BETWEEN b.value << 12 AND (b.value << 12) + 4095)) FROM json_each(?1) b`

// count counts blocks; one without entries comes to nothing.
func (r *Reader) count(ctx context.Context, blocks []int64, grain time.Duration) (map[int64]*block, error) {
	if len(blocks) == 0 {
		return nil, nil
	}
	list, err := json.Marshal(blocks)
	if err != nil {
		return nil, err
	}
	out, low := map[int64]*block{}, slices.Min(blocks)
	for _, b := range blocks {
		out[b] = &block{moments: map[int64]int{}}
	}
	err = r.raw(ctx, func(rows driver.Rows) error {
		return walk(rows, func(v []driver.Value) (bool, error) {
			if n := whole(v[0]); n < 0 {
				out[low+(-1-n)>>13].rows = int((-1 - n) & (1<<13 - 1))
			} else {
				out[low+n>>45].add(n&(1<<45-1)>>3, n&7, grain.Milliseconds())
			}
			return true, nil
		})
	}, blockwise, string(list), low)
	return out, err
}

// add counts an entry.
func (b *block) add(at, state, grain int64) {
	b.states[state]++
	if at > 0 {
		b.last = max(b.last, at)
		b.moments[slot(at, state, grain)]++
	}
}

// slot is the number of a step of time and a state.
func slot(at, state, step int64) int64 { return at/step<<3 | state }

// sum fills an issue's counts in.
func (s *sheet) sum(is *ledger.Issue) {
	var at int64
	for _, b := range s.blocks {
		is.Rows += b.rows
		at = max(at, b.last)
		for n, count := range b.states {
			is.Add(state(n), count)
		}
	}
	is.Last = instant(at)
}

// timeline adds the blocks' moments up by a step, which their grain divides.
func (s *sheet) timeline(step time.Duration) []ledger.Moment {
	sums := map[int64]int{}
	for _, b := range s.blocks {
		for m, count := range b.moments {
			sums[slot(m>>3*s.grain.Milliseconds(), m&7, step.Milliseconds())] += count
		}
	}
	var out []ledger.Moment
	for _, m := range slices.Sorted(maps.Keys(sums)) {
		out = extend(out, m, sums[m], step)
	}
	return out
}
