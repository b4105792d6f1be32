package render

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
	extast "github.com/yuin/goldmark/extension/ast"
)

// maxWidth is the widest table, in columns of the screen.
const maxWidth = 78

// underline draws a line below a heading, as wide as its text.
type underline struct {
	text   program
	mark   byte
	prefix string
}

func (u *underline) draw(dst []byte, r *record) []byte {
	n := len(dst)
	text := u.text.append(dst, r)[n:]
	if i := bytes.LastIndexByte(text, '\n'); i >= 0 {
		text = text[i+1:]
	}
	width := min(displayWidth(text)-len(u.prefix), maxWidth)
	dst = append(append(dst, '\n'), u.prefix...)
	for range max(width, 1) {
		dst = append(dst, u.mark)
	}
	return dst
}

// grid draws a table: aligned by the width of the values, or as lines of
// "header: value" when it is too wide or a value has line breaks.
type grid struct {
	rows   [][]program
	align  []extast.Alignment
	prefix string
}

// table gathers the cells of a table.
func (w *textWriter) table(n *extast.Table) {
	g := &grid{align: n.Alignments, prefix: w.prefix}
	for row := n.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []program
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			in := &textWriter{page: w.page, src: w.src, fresh: true, links: w.links}
			in.children(cell)
			in.trim()
			w.links = in.links
			w.found = append(w.found, in.found...)
			cells = append(cells, in.prog)
		}
		g.rows = append(g.rows, cells)
	}
	w.flush()
	w.prog.ops = append(w.prog.ops, op{hole: -1, draw: g})
	w.gap()
}

func (g *grid) draw(dst []byte, r *record) []byte {
	columns := len(g.align)
	cells := make([][]byte, 0, len(g.rows)*columns)
	widths := make([]int, columns, columns+len(g.rows)*columns)
	each := widths[columns:]
	buf := r.cells[:0]
	total, broken := 2*(columns-1)+len(g.prefix), false
	for _, row := range g.rows {
		for c := range columns {
			from := len(buf)
			if c < len(row) {
				buf = row[c].append(buf, r)
			}
			cell := buf[from:len(buf):len(buf)]
			broken = broken || bytes.IndexByte(cell, '\n') >= 0
			cells, each = append(cells, cell), append(each, displayWidth(cell))
			widths[c] = max(widths[c], each[len(each)-1])
		}
	}
	r.cells = buf
	for _, width := range widths {
		total += width
	}
	if broken || total > maxWidth {
		return g.list(dst, cells, columns)
	}
	return g.aligned(dst, cells, widths, each)
}

func (g *grid) aligned(dst []byte, cells [][]byte, widths, each []int) []byte {
	columns := len(widths)
	for i, cell := range cells {
		c := i % columns
		if c == 0 && i > 0 {
			dst = g.newline(dst)
		}
		left, right := 0, widths[c]-each[i]
		switch g.align[c] {
		case extast.AlignRight:
			left, right = right, 0
		case extast.AlignCenter:
			left = right / 2
			right -= left
		}
		if c > 0 {
			dst = append(dst, "  "...)
		}
		dst = append(blanks(dst, left), cell...)
		dst = blanks(dst, right)
		if i == columns-1 {
			dst = g.rule(dst, widths)
		}
	}
	return bytes.TrimRight(dst, " ")
}

// rule draws the line below the header.
func (g *grid) rule(dst []byte, widths []int) []byte {
	dst = g.newline(dst)
	for c, width := range widths {
		if c > 0 {
			dst = append(dst, "  "...)
		}
		for range width {
			dst = append(dst, '-')
		}
	}
	return dst
}

// list writes each row as lines of its own.
func (g *grid) list(dst []byte, cells [][]byte, columns int) []byte {
	for i := columns; i < len(cells); i++ {
		if i > columns {
			dst = g.newline(dst)
			if i%columns == 0 {
				dst = g.newline(dst)
			}
		}
		if head := cells[i%columns]; len(head) > 0 {
			dst = append(append(dst, head...), ": "...)
		}
		dst = append(dst, cells[i]...)
	}
	return bytes.TrimRight(dst, " ")
}

func (g *grid) newline(dst []byte) []byte {
	dst = append(bytes.TrimRight(dst, " "), '\n')
	return append(dst, g.prefix...)
}

func blanks(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, ' ')
	}
	return dst
}

// displayWidth counts the columns of the screen: 汉字 are two each.
func displayWidth(s []byte) int {
	width := 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			width++
			i++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		if 0x4e00 <= r && r <= 0x9fff || 0xff01 <= r && r <= 0xff5e {
			width += 2
			i += size
			continue
		}
		end := i + size
		for end < len(s) && s[end] >= utf8.RuneSelf {
			end++
		}
		// Not the package's default: that depends on the locale of this process.
		narrow := runewidth.Condition{}
		return width + narrow.StringWidth(string(s[i:end])) + displayWidth(s[end:])
	}
	return width
}

func itoa(n int) string { return strconv.Itoa(n) }
