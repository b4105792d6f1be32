package list

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"hongyan/internal/fault"
)

// charset is how the bytes of a CSV file are to be read.
type charset struct {
	name string
	bom  int               // bytes of the byte order mark at the beginning
	code encoding.Encoding // nil: UTF-8, which is checked and not decoded
}

// window is how much of a file decides its encoding.
const window = 64 << 10

func utf8Charset(bom int) charset { return charset{name: "UTF-8", bom: bom} }
func gb18030(bom int) charset     { return charset{"GB18030", bom, simplifiedchinese.GB18030} }
func utf16Charset(e unicode.Endianness, bom int) charset {
	name := "UTF-16LE"
	if e == unicode.BigEndian {
		name = "UTF-16BE"
	}
	return charset{name, bom, unicode.UTF16(e, unicode.IgnoreBOM)}
}

// encodings are the names that may be told.
const encodings = "utf-8 gb18030 gbk gb2312 utf-16le utf-16be big5 shift-jis euc-jp euc-kr windows-1252 iso-8859-1"

func charsetNamed(name string) (charset, bool) {
	switch strings.ReplaceAll(strings.ToLower(name), "_", "-") {
	case "utf-8", "utf8":
		return utf8Charset(0), true
	case "gb18030", "gbk", "gb2312", "cp936", "ansi": // GB18030 reads the other two
		return gb18030(0), true
	case "utf-16", "utf-16le", "utf16", "utf16le", "unicode":
		return utf16Charset(unicode.LittleEndian, 0), true
	case "utf-16be", "utf16be":
		return utf16Charset(unicode.BigEndian, 0), true
	case "big5":
		return charset{"Big5", 0, traditionalchinese.Big5}, true
	case "shift-jis", "sjis":
		return charset{"Shift-JIS", 0, japanese.ShiftJIS}, true
	case "euc-jp":
		return charset{"EUC-JP", 0, japanese.EUCJP}, true
	case "euc-kr":
		return charset{"EUC-KR", 0, korean.EUCKR}, true
	case "windows-1252", "cp1252":
		return charset{"windows-1252", 0, charmap.Windows1252}, true
	case "iso-8859-1", "latin1":
		return charset{"ISO-8859-1", 0, charmap.ISO8859_1}, true
	}
	return charset{}, false
}

// charsetOf finds out how a file is encoded, or heeds what it was told.
func charsetOf(file io.ReaderAt, size int64, o Options) (charset, error) {
	head := make([]byte, 4)
	n, err := file.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return charset{}, fmt.Errorf("list: %w", err)
	}
	marked, hasMark := charsetMarked(head[:n])
	if o.Encoding == "" {
		if hasMark {
			return marked, nil
		}
		return charsetFound(file, size)
	}
	told, ok := charsetNamed(o.Encoding)
	if !ok {
		return charset{}, fault.Faults{unknownEncoding(o)}
	}
	if hasMark && told.name != marked.name && !(strings.EqualFold(o.Encoding, "utf-16") && marked.name == "UTF-16BE") {
		return charset{}, fault.Faults{o.fault("encoding", "the encoding is told as %s, but the file begins with the mark of %s", o.Encoding, marked.name).
			Hinted("leave encoding: out, the file says it itself")}
	}
	if hasMark {
		return marked, nil
	}
	return told, nil
}

func unknownEncoding(o Options) *fault.Fault {
	names := strings.Fields(encodings)
	f := o.fault("encoding", "the encoding %q is not known", o.Encoding)
	if near := fault.Near(o.Encoding, names); near != "" {
		return f.Hinted("did you mean %q?", near)
	}
	return f.Hinted("known are %s", strings.Join(names, ", "))
}

func charsetMarked(head []byte) (charset, bool) {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return utf8Charset(3), true
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return utf16Charset(unicode.LittleEndian, 2), true
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return utf16Charset(unicode.BigEndian, 2), true
	}
	return charset{}, false
}

// charsetFound decides by the lines from the first one that is not ASCII on.
// The rule: strict UTF-8, else GB18030 if it decodes whole; measured on lists of
// Chinese names it is right where statistical detectors guess Korean or Latin.
func charsetFound(file io.ReaderAt, size int64) (charset, error) {
	at, err := firstHigh(file, size)
	if err != nil || at < 0 {
		return utf8Charset(0), err
	}
	sample := make([]byte, min(window, size-at))
	if _, err := file.ReadAt(sample, at); err != nil && err != io.EOF {
		return charset{}, fmt.Errorf("list: %w", err)
	}
	whole := at+int64(len(sample)) == size
	if end := bytes.LastIndexByte(sample, '\n'); !whole && end > 0 {
		sample = sample[:end]
	}
	utf, gb := isUTF8(sample, whole), isGB18030(sample, whole)
	switch {
	case utf && gb && isRatherGB(sample), gb && !utf:
		return gb18030(0), nil
	case utf:
		return utf8Charset(0), nil
	}
	return charset{}, fault.Faults{fault.At("", 0, "the encoding cannot be found out: it is neither UTF-8 nor GB18030").
		Hinted("say it with encoding: (%s), or save the list as CSV UTF-8", encodings)}
}

// firstHigh returns where the first byte beyond ASCII stands, -1 for none.
func firstHigh(file io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, window)
	for at := int64(0); at < size; at += window {
		n, err := file.ReadAt(buf, at)
		if err != nil && err != io.EOF {
			return 0, fmt.Errorf("list: %w", err)
		}
		if i := indexHigh(buf[:n]); i >= 0 {
			return at + int64(i), nil
		}
	}
	return -1, nil
}

func indexHigh(text []byte) int {
	i := 0
	for i+8 <= len(text) && binary.LittleEndian.Uint64(text[i:])&0x8080808080808080 == 0 {
		i += 8
	}
	for ; i < len(text); i++ {
		if text[i] >= utf8.RuneSelf {
			return i
		}
	}
	return -1
}

// isUTF8 tells whether the text is UTF-8, but for a character cut off at its
// end when there is more of it.
func isUTF8(text []byte, whole bool) bool {
	if !whole {
		text = text[:len(text)-cutOff(text)]
	}
	return utf8.Valid(text)
}

// cutOff returns how many bytes at the end begin a character of UTF-8 and do
// not finish it.
func cutOff(text []byte) int {
	for n := 1; n <= min(utf8.UTFMax-1, len(text)); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

func isGB18030(text []byte, whole bool) bool {
	dst := make([]byte, 3*len(text)+8)
	n, _, err := simplifiedchinese.GB18030.NewDecoder().Transform(dst, text, whole)
	if err != nil && (whole || !errors.Is(err, transform.ErrShortSrc)) {
		return false
	}
	return !bytes.ContainsRune(dst[:n], utf8.RuneError)
}

// isRatherGB looks at a text that is valid both ways. Chinese in UTF-8 is at
// U+0800 and beyond; a text that stays below is either a word or two in GBK, or
// European UTF-8: then it stands among Latin letters, or some of its second
// bytes are below A1, where GBK has only rare characters.
func isRatherGB(text []byte) bool {
	found := false
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		if r >= 0x800 {
			return false
		}
		if n == 2 {
			found = true
			if text[i+1] < 0xa1 || i > 0 && isLetter(text[i-1]) || i+2 < len(text) && isLetter(text[i+2]) {
				return false
			}
		}
		i += n
	}
	return found
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
