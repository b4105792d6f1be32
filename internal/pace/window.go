package pace

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Window allows at most N mails within any span of time as long as Per.
type Window struct {
	N   int
	Per time.Duration
}

// String returns the window as one writes it: "40/min", "5000/3m".
func (w Window) String() string {
	if name := unitName(w.Per); name != "" {
		return strconv.Itoa(w.N) + "/" + name
	}
	return strconv.Itoa(w.N) + "/" + span(w.Per)
}

func unitName(d time.Duration) string {
	switch d {
	case time.Second:
		return "s"
	case time.Minute:
		return "min"
	case time.Hour:
		return "hour"
	case day:
		return "day"
	}
	return ""
}

// ParseWindow reads "40/min", "100/day", "5000/180s", "20 / 5 min", "50/天".
func ParseWindow(text string) (Window, bool) {
	count, per, ok := strings.Cut(text, "/")
	if !ok {
		return Window{}, false
	}
	n, err := strconv.Atoi(strings.ReplaceAll(strings.TrimSpace(count), "_", ""))
	if err != nil || n < 1 {
		return Window{}, false
	}
	per = strings.TrimSpace(per)
	if unit, ok := unitOf(strings.ToLower(per)); ok {
		return Window{n, unit}, true
	}
	d, ok := ParseDuration(per)
	return Window{n, d}, ok && d > 0
}

// cells is how many sends a log tells apart. A window of more mails puts runs
// of them into one cell: 8 KiB serve a million a day, and one mail in a
// thousand is the price.
const cells = 1024

// A log remembers when the last mails of one window left. A cell stands for a
// run of mails and holds the time of its last one, so that a log that forgets
// the others errs only below the limit.
type log struct {
	Window
	text string // the limit as the user wrote it
	run  int    // mails in a full cell
	used int    // mails in the newest cell
	at   []instant
	head int // the newest cell
	held int // cells in use
}

func newLog(w Window, prefix string) *log {
	w.N = max(w.N, 1)
	run := (w.N-1)/cells + 1
	return &log{Window: w, text: prefix + w.String(), run: run, at: make([]instant, w.N/run)}
}

// free returns the earliest instant for one more mail if n of them, at most
// the window's own N, may leave within the window.
func (l *log) free(n int) instant {
	if l.used > 0 && l.used < l.run {
		return always // its cell is open and was paid for
	}
	k := max(min(n, l.N)/l.run, 1)
	if l.held < k {
		return always
	}
	return l.at[(l.head-k+1+len(l.at))%len(l.at)].add(l.Per)
}

func (l *log) record(s instant) {
	if l.used == 0 || l.used == l.run {
		l.head = (l.head + 1) % len(l.at)
		l.held = min(l.held+1, len(l.at))
		l.used = 0
	}
	l.at[l.head] = s
	l.used++
}

// spent returns how many mails count against the window at s.
func (l *log) spent(s instant) (n int) {
	for i := range l.held {
		if l.at[(l.head-i+len(l.at))%len(l.at)].add(l.Per) <= s {
			break
		}
		n += l.run
		if i == 0 {
			n += l.used - l.run
		}
	}
	return n
}

// A Use is how much of a window is used up.
type Use struct {
	Window
	Used int
}

// Uses returns what is used of each window of the account at now.
func (p *Pacer) Uses(now time.Time) []Use {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.tick(now)
	out := make([]Use, len(p.book.logs))
	for i, l := range p.book.logs {
		out[i] = Use{l.Window, l.spent(s)}
	}
	return out
}

// windowOf returns the window of a length among ws.
func windowOf(ws []Window, per time.Duration) (Window, bool) {
	i := slices.IndexFunc(ws, func(w Window) bool { return w.Per == per })
	if i < 0 {
		return Window{}, false
	}
	return ws[i], true
}
