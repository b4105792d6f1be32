// Package preview puts mails on disk instead of on the wire, and a gallery page
// beside them that works by file://, without network and without a server:
//
//	index.html          the gallery; opens the rest by <script>, a page at a time
//	mails/00057-li@example.com.eml, .html, .txt
//	images/             inline images, each once
//	data/rows-0001.js   500 rows of the table: hongyan.rows(1, [...])
//	data/mails-0001.js  up to 50 mails for the views: hongyan.mails(1, [...])
//
// Everything streams to disk: a gallery of 20,000 needs no more memory than one
// of 20. The files are their owner's alone: they hold names and addresses. The room
// must never send, and never delete what it did not make.
package preview

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"hongyan/internal/message"
)

// A Mail is what one recipient would get. The gallery keeps none of it.
type Mail struct {
	Line             int // of the list; 0 when it has none
	Address, Subject string
	HTML, Text       []byte
	Images           []message.Image  // what the HTML shows by "cid:"
	Attachments      []string         // their names
	Message          *message.Message // nil when Warnings say why there is none
	Warnings         []string
}

// Gallery is a folder of previews. Its methods but Close may be called
// concurrently; rows stand in the order in which the mails were entered.
type Gallery struct {
	Lang string // "en" or "zh": the page's first language; read by Close

	root            *os.Root // the gallery's folder
	mails           *os.Root
	images          *images
	leaves, writers sync.Pool

	mu    sync.Mutex
	table table
	views views
	tally tally
}

// marker is the file by which a folder is known to be a gallery of ours.
const marker = ".hongyan-preview"

// ErrOccupied is a folder with other people's files in it.
var ErrOccupied = errors.New("the folder is not empty and holds no preview made by hongyan")

// Create makes an empty gallery: in a new folder, in an empty one, or in the
// place of an older gallery, whose own files are removed.
func Create(dir string) (*Gallery, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("preview: %w", err)
	}
	g := &Gallery{Lang: "en", root: root}
	if err := g.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("preview: %s: %w", dir, err), g.closeRoots())
	}
	return g, nil
}

func (g *Gallery) prepare() error {
	if err := clearOld(g.root); err != nil {
		return err
	}
	for _, name := range []string{"mails", "data", "images"} {
		if err := g.root.Mkdir(name, 0o700); err != nil {
			return err
		}
	}
	mails, err := g.root.OpenRoot("mails")
	if err != nil {
		return err
	}
	g.mails = mails
	g.images = &images{root: g.root, names: map[string]string{}}
	g.table.root, g.views.root = g.root, g.root
	g.tally.counts = map[string]int{}
	g.leaves.New = func() any { return &Leaf{} }
	g.writers.New = func() any { return bufio.NewWriterSize(nil, 32<<10) }
	return nil
}

// clearOld removes an old gallery, or refuses a folder that is none. The marker
// is written before anything else and never removed, so that a gallery whose
// making was interrupted can be cleared as well.
func clearOld(root *os.Root) error {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	if _, err := root.Lstat(marker); errors.Is(err, fs.ErrNotExist) {
		if len(entries) > 0 {
			return ErrOccupied
		}
		return root.WriteFile(marker, []byte("This folder is cleared by the next `hongyan preview -o` into it.\n"), 0o600)
	}
	for _, name := range []string{"index.html", "mails", "data", "images"} {
		if err := root.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}

// Print writes the files of one mail, after which it is not needed any more.
// It may be called concurrently; the order of the rows is that of Enter.
func (g *Gallery) Print(m Mail) (*Leaf, error) {
	images, err := g.images.resolve(m)
	if err != nil {
		return nil, fmt.Errorf("preview of line %d: %w", m.Line, err)
	}
	name, size, err := g.writeFiles(m, replaceCIDs(m.HTML, "../images/", images))
	if err != nil {
		return nil, fmt.Errorf("preview of line %d: %w", m.Line, err)
	}
	l := g.leaves.Get().(*Leaf)
	l.write(m, name, size, replaceCIDs(m.HTML, "images/", images))
	return l, nil
}

// Enter gives a printed mail the next row, and takes the leaf back.
func (g *Gallery) Enter(l *Leaf) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	defer g.leaves.Put(l)
	at, err := g.views.add(l)
	if err == nil {
		err = g.table.add(l, at)
	}
	if err != nil {
		return fmt.Errorf("preview: %w", err)
	}
	g.tally.count(l.warnings)
	return nil
}

// writeFiles writes .eml, .html and .txt, as far as the mail has them.
func (g *Gallery) writeFiles(m Mail, html []byte) (name string, size int64, err error) {
	name, err = g.reserve(m)
	if err != nil {
		return "", 0, err
	}
	if m.Message != nil {
		size = m.Message.Size()
		if err := g.write(name+".eml", m.Message); err != nil {
			return "", 0, err
		}
	}
	if len(html) > 0 {
		if err := g.mails.WriteFile(name+".html", html, 0o600); err != nil {
			return "", 0, err
		}
	}
	return name, size, nil
}

// reserve writes the text, whose name says whether another mail of the same
// line came before.
func (g *Gallery) reserve(m Mail) (string, error) {
	stem := FileName(m.Line, m.Address)
	for n, name := 2, stem; ; n++ {
		f, err := g.mails.OpenFile(name+".txt", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			name = fmt.Sprintf("%s-%d", stem, n)
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(m.Text)
		return name, errors.Join(err, f.Close())
	}
}

func (g *Gallery) write(name string, from io.WriterTo) error {
	f, err := g.mails.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := g.writers.Get().(*bufio.Writer)
	defer g.writers.Put(w)
	w.Reset(f)
	_, err = from.WriteTo(w)
	return errors.Join(err, w.Flush(), f.Close())
}

// Close writes what is left and the page itself.
func (g *Gallery) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	err := errors.Join(g.table.flush(), g.views.flush())
	if err == nil {
		err = g.root.WriteFile("index.html", g.page(), 0o600)
	}
	if err := errors.Join(err, g.closeRoots()); err != nil {
		return fmt.Errorf("preview: %w", err)
	}
	return nil
}

func (g *Gallery) closeRoots() error {
	if g.mails == nil {
		return g.root.Close()
	}
	return errors.Join(g.mails.Close(), g.root.Close())
}
