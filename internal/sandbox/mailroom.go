package sandbox

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

const recordName = "accepted.log"

// A Mail is one that was accepted.
type Mail struct {
	N          int // 1 for the first in this folder
	At         time.Time
	Connection int    // the number of the connection it came on, from 1
	Login      string // "" without one
	From       string // of the envelope
	To         []string
	ID         string // Message-ID without <>, "" if it has none
	File       string // path of the .eml; "" when there is no folder
	Data       []byte // as sent, without dot-stuffing; nil when there is a File
}

// Bytes is the mail as it was sent, from memory or from its file.
func (m Mail) Bytes() ([]byte, error) {
	if m.File == "" {
		return m.Data, nil
	}
	return os.ReadFile(m.File)
}

// mailroom keeps accepted mails: in a folder, in a record with a line for each,
// and the newest in memory.
type mailroom struct {
	dir    *os.Root // nil = no folder
	path   string
	record *os.File // nil = none
	sync   bool
	most   int

	mu    sync.Mutex
	last  int // number of the newest
	taken int
	files []string // kept in dir, oldest first
	mails []Mail   // oldest first; the newest most of them count
}

func openMailroom(o Options) (*mailroom, error) {
	m := &mailroom{path: o.Dir, sync: o.Sync, most: cmp.Or(o.Keep, 1000)}
	record := o.Record
	if o.Dir != "" {
		m.most = cmp.Or(o.Keep, 10_000)
		record = cmp.Or(record, filepath.Join(o.Dir, recordName))
		if err := m.enter(o.Dir); err != nil {
			return nil, err
		}
	}
	if record == "" {
		return m, nil
	}
	var err error
	m.record, err = os.OpenFile(record, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, errors.Join(err, m.close())
	}
	return m, nil
}

// enter opens the folder and finds out what earlier sandboxes left there, so
// that none of it is overwritten.
func (m *mailroom) enter(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	m.dir = root
	numbered := regexp.MustCompile(`^(\d{6,})-.*\.eml$`)
	files, err := fs.ReadDir(root.FS(), ".")
	for _, f := range files {
		if hit := numbered.FindStringSubmatch(f.Name()); hit != nil {
			n, _ := strconv.Atoi(hit[1])
			m.last = max(m.last, n)
			m.files = append(m.files, f.Name())
		}
	}
	return err
}

// keep stores a mail; when it returns nil the mail is on disk (if there is a
// folder) and in the record (if there is one).
func (m *mailroom) keep(letter Mail) error {
	m.mu.Lock()
	m.last++
	letter.N = m.last
	m.mu.Unlock()
	if m.dir != nil {
		name := fileName(letter)
		if err := m.store(name, letter.Data); err != nil {
			return err
		}
		letter.File, letter.Data = filepath.Join(m.path, name), nil
	}
	if err := m.note(letter); err != nil {
		return errors.Join(err, m.discard(letter)) // it will be refused, so it must not look taken
	}
	return m.remember(letter)
}

// store writes the file under another name first, so that a half-written mail
// never looks like a whole one.
func (m *mailroom) store(name string, data []byte) error {
	draft := name + ".part"
	f, err := m.dir.Create(draft)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := m.dir.Rename(draft, name); err != nil {
		return err
	}
	return m.syncDir()
}

func (m *mailroom) discard(letter Mail) error {
	if letter.File == "" {
		return nil
	}
	return m.dir.Remove(filepath.Base(letter.File))
}

// syncDir makes the names in the folder durable.
func (m *mailroom) syncDir() error {
	d, err := m.dir.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// note adds the line to the record: time, login, recipients and Message-ID,
// parted by tabs. One write a line, so that a kill leaves whole lines.
func (m *mailroom) note(letter Mail) error {
	if m.record == nil {
		return nil
	}
	line := fmt.Sprintf("%s\t%s\t%s\t%s\n", letter.At.UTC().Format(time.RFC3339Nano),
		oneLine(letter.Login), oneLine(strings.Join(letter.To, ",")), oneLine(letter.ID))
	if _, err := m.record.WriteString(line); err != nil {
		return err
	}
	if m.sync {
		return m.record.Sync()
	}
	return nil
}

// oneLine makes a value from the wire safe for the record.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// remember counts the mail and lets go of the oldest ones.
func (m *mailroom) remember(letter Mail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.taken++
	m.mails = append(m.mails, letter)
	if len(m.mails) >= 2*m.most { // seldom, because it moves them all
		m.mails = slices.Delete(m.mails, 0, len(m.mails)-m.most)
	}
	if letter.File == "" {
		return nil
	}
	m.files = append(m.files, filepath.Base(letter.File))
	for len(m.files) > m.most {
		if err := m.dir.Remove(m.files[0]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		m.files = m.files[1:]
	}
	return nil
}

// fileName is like 000123-li@example.com.eml; whatever could mean something to
// a file system or a shell becomes an underscore.
func fileName(letter Mail) string {
	to := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("@.-_+", r) {
			return r
		}
		return '_'
	}, letter.To[0])
	if b := []byte(to); len(b) > 120 {
		to = string(bytes.ToValidUTF8(b[:120], nil))
	}
	return fmt.Sprintf("%06d-%s.eml", letter.N, to)
}

func (m *mailroom) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.taken
}

func (m *mailroom) list() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails[max(0, len(m.mails)-m.most):])
}

func (m *mailroom) close() error {
	var errs []error
	if m.record != nil {
		errs = append(errs, m.record.Close())
	}
	if m.dir != nil {
		errs = append(errs, m.dir.Close())
	}
	return errors.Join(errs...)
}
