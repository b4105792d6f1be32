package message

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"hash"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Composer composes the mails of one letterhead. Safe for concurrent use.
type Composer struct {
	letterhead Letterhead
	files      *Files
	from, back []byte  // From and Reply-To, written
	fields     []field // static headers

	digests sync.Pool // of hash.Hash under the key
	sheets  *sync.Pool

	mu    sync.RWMutex
	trees map[shape]*tree
}

// NewComposer checks the letterhead. files may be nil if nothing is attached.
func NewComposer(h Letterhead, files *Files) (*Composer, error) {
	c := &Composer{letterhead: h, files: files, trees: map[shape]*tree{}}
	c.sheets = &sync.Pool{New: func() any { return &sheet{home: c.sheets} }}
	c.digests.New = func() any { return hmac.New(sha256.New, h.Key) }
	if c.files == nil {
		c.files = noFiles()
	}
	if len(h.Key) == 0 {
		return nil, errors.New("letterhead: no key for Message-IDs")
	}
	if err := c.writeHeads(); err != nil {
		return nil, fmt.Errorf("letterhead: %w", err)
	}
	if h.Signer != nil {
		if err := h.Signer.check(); err != nil {
			return nil, fmt.Errorf("letterhead: %w", err)
		}
	}
	return c, nil
}

// writeHeads writes the headers that all mails have.
func (c *Composer) writeHeads() (err error) {
	h := &c.letterhead
	if c.from, err = mailboxes(nil, "From", h.From); err != nil {
		return err
	}
	if len(h.ReplyTo) > 0 {
		if c.back, err = mailboxes(nil, "Reply-To", h.ReplyTo...); err != nil {
			return err
		}
	}
	if h.Domain == "" {
		h.Domain = h.From.Address[strings.LastIndexByte(h.From.Address, '@')+1:]
	}
	if !hostname(h.Domain) {
		return unfit("Message-ID", "the domain %q is no host name", h.Domain)
	}
	c.fields, err = newFields(h.Headers)
	return err
}

func newFields(headers [][2]string) ([]field, error) {
	fields := make([]field, 0, len(headers))
	for _, h := range headers {
		f, err := newField(h[0], h[1])
		if err != nil {
			return nil, err
		}
		if has(fields, f.name) {
			return nil, unfit(h[0], "is given twice")
		}
		fields = append(fields, f)
	}
	return fields, nil
}

func has(fields []field, name string) bool {
	return slices.ContainsFunc(fields, func(f field) bool { return f.name == name })
}

// ID returns the Message-ID, without <>, of a mail: always the same for the
// same (campaign, issue, address), and no key to either without the key.
func ID(key []byte, campaign, issue, address, domain string) string {
	return string(appendID(nil, hmac.New(sha256.New, key), campaign, issue, address, domain))
}

// appendID digests the three between NULs, which none of them can hold.
func appendID(dst []byte, digest hash.Hash, campaign, issue, address, domain string) []byte {
	var in [256]byte
	b := append(append(in[:0], campaign...), 0)
	b = append(append(b, issue...), 0)
	digest.Write(append(b, strings.ToLower(address)...))
	var sum [sha256.Size]byte
	id := idText.AppendEncode(dst, digest.Sum(sum[:0])[:17])
	return append(append(id[:len(dst)+26], '@'), domain...)
}

// idText is base32 in lower case: some systems change the case of an ID.
var idText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Compose makes one mail. An *Unfit error means that this letter cannot become
// one; any other is a breakdown.
func (c *Composer) Compose(l Letter) (*Message, error) {
	if l.Date.IsZero() {
		return nil, errors.New("compose: a letter without a date")
	}
	m := &Message{
		ID: c.id(l.To.Address), From: c.letterhead.From.Address, To: l.To.Address,
		Subject: l.Subject, Date: l.Date, sheet: c.sheets.Get().(*sheet),
	}
	if err := c.compose(m, l); err != nil {
		m.Release()
		return nil, err
	}
	return m, nil
}

func (c *Composer) compose(m *Message, l Letter) error {
	if err := c.head(m, l); err != nil {
		return err
	}
	if err := c.body(m, l); err != nil {
		return err
	}
	m.sheet.seal()
	if c.letterhead.Signer == nil {
		return nil
	}
	signature, err := c.letterhead.Signer.sign(m.sheet.segments)
	if err != nil {
		return err
	}
	m.sheet.segments = slices.Insert(m.sheet.segments, 0, signature)
	return nil
}

func (c *Composer) id(address string) string {
	digest := c.digests.Get().(hash.Hash)
	defer c.digests.Put(digest)
	digest.Reset()
	var b [128]byte
	h := &c.letterhead
	return string(appendID(b[:0], digest, h.Campaign, h.Issue, address, h.Domain))
}

// head writes our own header block, up to MIME-Version.
func (c *Composer) head(m *Message, l Letter) (err error) {
	b := append(m.sheet.text, c.from...)
	if b, err = mailboxes(b, "To", l.To); err != nil {
		return err
	}
	if err := checkText("Subject", l.Subject); err != nil {
		return err
	}
	b = appendText(b, "Subject", l.Subject)
	b = l.Date.AppendFormat(append(b, "Date: "...), "Mon, 02 Jan 2006 15:04:05 -0700")
	b = append(append(append(b, "\r\nMessage-ID: <"...), m.ID...), ">\r\n"...)
	b = append(b, c.back...)
	own, err := newFields(l.Headers)
	if err != nil {
		return err
	}
	for _, f := range c.fields {
		if !has(own, f.name) {
			b = append(b, f.line...)
		}
	}
	for _, f := range own {
		b = append(b, f.line...)
	}
	m.sheet.text = append(b, "MIME-Version: 1.0\r\n"...)
	return nil
}

// body writes the tree's constants and, between them, the leaves.
func (c *Composer) body(m *Message, l Letter) error {
	if len(l.HTML) == 0 && len(l.Images) > 0 {
		return unfit("image "+l.Images[0].Name, "there is no HTML to show it")
	}
	ics, err := c.calendar(m, l)
	if err != nil {
		return err
	}
	t, err := c.tree(shapeOf(l))
	if err != nil {
		return err
	}
	w := &writer{sheet: m.sheet, constants: t.constants}
	if l.hasText() {
		w.text("text/plain; charset=utf-8", l.Text)
	}
	if len(l.HTML) > 0 {
		w.text("text/html; charset=utf-8", l.HTML)
	}
	for _, image := range l.Images {
		if err := c.image(w, image); err != nil {
			return err
		}
	}
	if ics != nil {
		w.text("text/calendar; charset=utf-8; method="+l.Invite.method(), ics)
	}
	for _, a := range l.Attachments {
		if err := c.attachment(w, a); err != nil {
			return err
		}
	}
	if ics != nil {
		w.part("application/ics", "attachment", "invite.ics", "")
		w.sheet.text = appendBase64(w.sheet.text, ics)
	}
	w.end()
	return nil
}

// hasText: a mail without any body has an empty text.
func (l *Letter) hasText() bool { return len(l.Text) > 0 || len(l.HTML) == 0 }

func shapeOf(l Letter) shape {
	s := shape{
		text: l.hasText(), html: len(l.HTML) > 0, calendar: l.Invite != nil,
		images: len(l.Images), files: len(l.Attachments),
	}
	if s.calendar {
		s.files++
	}
	return s
}

// tree returns the tree of a shape, grown at its first mail. Lists with wild
// numbers of attachments must not fill the memory with trees.
func (c *Composer) tree(s shape) (*tree, error) {
	c.mu.RLock()
	t := c.trees[s]
	c.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	t, err := grow(s)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	const most = 64
	if len(c.trees) >= most {
		clear(c.trees)
	}
	c.trees[s] = t
	return t, nil
}

func (c *Composer) calendar(m *Message, l Letter) ([]byte, error) {
	if l.Invite == nil {
		return nil, nil
	}
	if len(l.Text) == 0 {
		return nil, unfit("invitation", "needs a text body beside it")
	}
	invite := l.Invite.forMail(m, c.letterhead.From, l.To)
	return invite.ICS(l.Date)
}

func (c *Composer) image(w *writer, i Image) error {
	part := "image " + i.Name
	if !contentID(i.CID) {
		return unfit(part, "the content ID %q is not letters, digits and . _ + - @", i.CID)
	}
	kind := i.Type
	if kind == "" {
		kind = typeOf(i.Name)
	}
	if !mediaType(kind) {
		return unfit(part, "has a bad type %q", i.Type)
	}
	if i.File == "" {
		w.part(kind, "inline", CleanName(i.Name), i.CID)
		w.sheet.text = appendBase64(w.sheet.text, i.Data)
		return w.weigh(part, len(i.Data))
	}
	f, err := c.files.image(i.File)
	if err != nil {
		return err
	}
	w.part(kind, "inline", CleanName(i.Name), i.CID)
	w.sheet.share(f.encoded)
	return w.weigh(part, f.size)
}

func (c *Composer) attachment(w *writer, a Attachment) error {
	if err := checkText("attachment", a.Name); err != nil {
		return err
	}
	f, err := c.files.attached(a.File)
	if err != nil {
		return err
	}
	name := a.Name
	if name == "" {
		name = filepath.Base(a.File)
	}
	name = CleanName(name)
	w.part(typeOf(name), "attachment", name, "")
	w.sheet.share(f.encoded)
	return w.weigh("attachment "+a.File, f.size)
}

// contentID tells what can stand in Content-ID and, unescaped, in a cid: URL.
func contentID(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte("._+-@", c) < 0 {
			return false
		}
	}
	return s != "" && len(s) <= 200
}
