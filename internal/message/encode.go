package message

import (
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// width is the longest line of an encoded body, RFC 2045 §6.7 (5) and §6.8, and
// of a folded header.
const width = 76

// appendBase64 appends src as lines of 76; the last has no line end.
func appendBase64(dst, src []byte) []byte {
	const raw = width / 4 * 3
	dst = slices.Grow(dst, encodedLen(len(src)))
	for len(src) > raw {
		n := len(dst)
		dst = dst[:n+width+2]
		base64.StdEncoding.Encode(dst[n:], src[:raw])
		dst[n+width], dst[n+width+1] = '\r', '\n'
		src = src[raw:]
	}
	return base64.StdEncoding.AppendEncode(dst, src)
}

// encodedLen bounds the length of n bytes in base64 with line ends.
func encodedLen(n int) int {
	n = base64.StdEncoding.EncodedLen(n)
	return n + n/width*2
}

// appendCanonical appends text with every CR LF, LF or CR as CR LF, the form
// that base64 must carry (RFC 2046 §4.1.1).
func appendCanonical(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		run := breaks.until(src[i:])
		dst = append(dst, src[i:i+run]...)
		if i += run; i < len(src) {
			dst = append(dst, '\r', '\n')
			i += breakLen(src[i:])
		}
	}
	return dst
}

// byteSet says which bytes end a run.
type byteSet [256]bool

// until counts the bytes before the first of the set.
func (s *byteSet) until(src []byte) int {
	for i, c := range src {
		if s[c] {
			return i
		}
	}
	return len(src)
}

func setOf(in func(c byte) bool) *byteSet {
	var s byteSet
	for i := range s {
		s[i] = in(byte(i))
	}
	return &s
}

// Tables, never written again.
var (
	breaks = setOf(func(c byte) bool { return c == '\r' || c == '\n' })
	coded  = setOf(func(c byte) bool { return c == '=' || c > '~' || c < ' ' && c != '\t' })
)

// breakLen is the length of the line break at the start of src.
func breakLen(src []byte) int {
	if len(src) > 1 && src[0] == '\r' && src[1] == '\n' {
		return 2
	}
	return 1
}

// quoter appends quoted-printable text (RFC 2045 §6.7) to dst, run by run. No
// line begins with a dot (no dot-stuffing), with "From " (no mbox quoting) or
// with "--" (no boundary), and no character is broken over two lines.
type quoter struct {
	dst  []byte
	line int // where the present line begins in dst
}

// appendQuoted appends src, line breaks as CRLF; the last line has no line end.
func appendQuoted(dst, src []byte) []byte {
	q := quoter{dst: slices.Grow(dst, len(src)+len(src)/8), line: len(dst)}
	for len(src) > 0 {
		src = src[q.take(src):]
	}
	q.guardBlank()
	return q.dst
}

// take encodes the first bytes of src and says how many.
func (q *quoter) take(src []byte) int {
	room := width - 1 - (len(q.dst) - q.line)
	switch {
	case breaks[src[0]]:
		q.guardBlank()
		q.newLine("\r\n")
		return breakLen(src)
	case room == 0:
		q.newLine("=\r\n")
		return 0
	case len(q.dst) == q.line && risky(src):
		return q.code(src[:1])
	case coded[src[0]]:
		n := max(1, runeLen(src))
		if 3*n > room {
			q.newLine("=\r\n")
			return 0
		}
		return q.code(src[:n])
	}
	n := coded.until(src[:min(room, len(src))])
	q.dst = append(q.dst, src[:n]...)
	return n
}

func (q *quoter) newLine(end string) {
	q.dst = append(q.dst, end...)
	q.line = len(q.dst)
}

func (q *quoter) code(src []byte) int {
	const hex = "0123456789ABCDEF"
	for _, c := range src {
		q.dst = append(q.dst, '=', hex[c>>4], hex[c&15])
	}
	return len(src)
}

// guardBlank encodes a blank at the end of the line, which relays strip.
func (q *quoter) guardBlank() {
	last := len(q.dst) - 1
	if last < q.line || q.dst[last] != ' ' && q.dst[last] != '\t' {
		return
	}
	blank := [1]byte{q.dst[last]}
	q.dst = q.dst[:last]
	if last-q.line+3 > width {
		q.newLine("=\r\n")
	}
	q.code(blank[:])
}

// risky tells a line start that a mail system might take for its own.
func risky(src []byte) bool {
	switch src[0] {
	case '.':
		return true
	case '-':
		return len(src) > 1 && src[1] == '-'
	case 'F':
		return len(src) > 4 && string(src[:5]) == "From "
	}
	return false
}

// runeLen is the length of the character at the start of src, 1 if it is none.
func runeLen(src []byte) int {
	_, n := utf8.DecodeRune(src)
	return n
}

// foreign counts the bytes above 127.
func foreign(src []byte) int {
	const high = 0x8080808080808080
	n := 0
	for len(src) >= 8 {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(src) & high)
		src = src[8:]
	}
	for _, c := range src {
		n += int(c >> 7)
	}
	return n
}

// quotedIsShorter compares the two encodings of a text: quoted-printable takes
// 3 bytes for one above 127, base64 takes 4 for 3 and its line ends.
func quotedIsShorter(src []byte) bool {
	return len(src)+2*foreign(src) <= encodedLen(len(src))
}
