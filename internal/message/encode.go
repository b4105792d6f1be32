package message

import (
	"bytes"
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
	dst = slices.Grow(dst, encodedLen(len(src)))
	for len(src) > rawLine+2 { // two bytes beyond the line, which the last read of it takes along
		n := len(dst)
		dst = dst[:n+width+2]
		encodeLine((*[width]byte)(dst[n:]), (*[rawLine + 2]byte)(src))
		dst[n+width], dst[n+width+1] = '\r', '\n'
		src = src[rawLine:]
	}
	if len(src) > rawLine {
		dst = base64.StdEncoding.AppendEncode(dst, src[:rawLine])
		dst = append(dst, '\r', '\n')
		src = src[rawLine:]
	}
	return base64.StdEncoding.AppendEncode(dst, src)
}

// rawLine is how many bytes make a full line.
const rawLine = width / 4 * 3

// encodeLine encodes six bytes at a time by a table of pairs of letters, three
// times as fast as the standard library; the last three alone.
func encodeLine(dst *[width]byte, src *[rawLine + 2]byte) {
	i, o := 0, 0
	for ; i < rawLine-3; i, o = i+6, o+8 {
		v := binary.BigEndian.Uint64(src[i:])
		binary.LittleEndian.PutUint64(dst[o:], uint64(pairs[v>>52])|uint64(pairs[v>>40&0xFFF])<<16|
			uint64(pairs[v>>28&0xFFF])<<32|uint64(pairs[v>>16&0xFFF])<<48)
	}
	v := binary.BigEndian.Uint32(src[i:])
	binary.LittleEndian.PutUint32(dst[o:], uint32(pairs[v>>20])|uint32(pairs[v>>8&0xFFF])<<16)
}

// pairs has the two letters of every 12 bits, the first in the low byte.
var pairs = func() (table [1 << 12]uint16) {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for i := range table {
		table[i] = uint16(letters[i>>6]) | uint16(letters[i&63])<<8
	}
	return table
}()

// encodedLen bounds the length of n bytes in base64 with line ends.
func encodedLen(n int) int {
	n = base64.StdEncoding.EncodedLen(n)
	return n + n/width*2
}

// appendCanonical appends text with every CR LF, LF or CR as CR LF, the form
// that base64 must carry (RFC 2046 §4.1.1).
func appendCanonical(dst, src []byte) []byte {
	if bytes.IndexByte(src, '\r') >= 0 {
		src = bytes.ReplaceAll(bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n")), []byte("\r"), []byte("\n"))
	}
	for {
		end := bytes.IndexByte(src, '\n')
		if end < 0 {
			return append(dst, src...)
		}
		dst = append(append(dst, src[:end]...), '\r', '\n')
		src = src[end+1:]
	}
}

// coded tells the bytes that quoted-printable writes as =XX, and line breaks.
var coded = func() (table [256]bool) {
	for c := range table {
		table[c] = c == '=' || c > '~' || c < ' ' && c != '\t'
	}
	return table
}()

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

// take encodes the first bytes of src and says how many. What is common in
// markup comes first.
func (q *quoter) take(src []byte) int {
	begun := len(q.dst) - q.line
	room := width - 1 - begun
	c := src[0]
	switch {
	case !coded[c]:
		if begun == 0 && risky(src) {
			return q.code(src[:1])
		}
		if room > 0 {
			return q.copy(src[:min(room, len(src))])
		}
	case c == '\n' || c == '\r':
		q.guardBlank()
		q.newLine("\r\n")
		return breakLen(src)
	case c < utf8.RuneSelf:
		if room >= 3 {
			return q.code(src[:1])
		}
	default:
		if n := runeLen(src); 3*n <= room {
			return q.code(src[:n])
		}
	}
	q.newLine("=\r\n")
	return 0
}

// copy takes the bytes at the start of src that stand for themselves.
func (q *quoter) copy(src []byte) int {
	dst := q.dst
	for i, c := range src {
		if coded[c] {
			q.dst = dst
			return i
		}
		dst = append(dst, c)
	}
	q.dst = dst
	return len(src)
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
