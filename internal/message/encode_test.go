package message

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/quotedprintable"
	"strings"
	"testing"
)

// unix is what a text is once its line ends are all alike.
func unix(b []byte) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(b))
}

func FuzzEncodingsReadBack(f *testing.F) {
	for _, s := range []string{
		"", ".", "\r", "\n", "\r\n", "\r\n.\r\n", "\n.\n", "\r.\r", "a \n", "a\t", " ", "From me\nFrom", "--x\n- x\n--", "=", "=\n", "=3D",
		strings.Repeat("x", 75), strings.Repeat("x", 76), strings.Repeat("x", 77), strings.Repeat("x", 74) + " ", strings.Repeat("x", 73) + "  \n",
		strings.Repeat("x", 75) + "." + strings.Repeat("y", 75) + "From ", strings.Repeat("汉", 40), "x" + strings.Repeat("👨‍👩‍👧", 20),
		"\xff\xfe\x00", "\x00", "\x7f", strings.Repeat(" ", 200), strings.Repeat("\r\n", 40), strings.Repeat("x", 57), strings.Repeat("x", 58), strings.Repeat("x", 59), strings.Repeat("x", 60), strings.Repeat("x", 114),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		quoted := appendQuoted(nil, src)
		sound(t, quoted)
		got, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(quoted)))
		if err != nil || unix(got) != unix(src) {
			t.Fatalf("quoted-printable %q\ngot  %q\nwant %q: %v", quoted, got, src, err)
		}
		for line := range strings.SplitSeq(string(quoted), "\r\n") {
			if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "From ") || strings.HasPrefix(line, "--") || strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") {
				t.Fatalf("an unsafe line %q", line)
			}
		}
		encoded := appendBase64(nil, src)
		sound(t, encoded)
		plain, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(encoded), "\r\n", ""))
		if err != nil || !bytes.Equal(plain, src) {
			t.Fatalf("base64 %q: %v", encoded, err)
		}
		canonical := appendCanonical(nil, src)
		if unix(canonical) != unix(src) || strings.Count(string(canonical), "\r\n") != strings.Count(unix(src), "\n") {
			t.Fatalf("canonical %q of %q", canonical, src)
		}
	})
}

// sound demands 7 bits, CRLF only, lines of 76.
func sound(t *testing.T, encoded []byte) {
	t.Helper()
	for line := range strings.SplitSeq(string(encoded), "\r\n") {
		if len(line) > width {
			t.Fatalf("a line of %d bytes: %q", len(line), line)
		}
		for _, c := range []byte(line) {
			if c > '~' || c < ' ' && c != '\t' {
				t.Fatalf("byte %#x in %q", c, line)
			}
		}
	}
}

func TestQuotedPrintableBreaksNoCharacter(t *testing.T) {
	t.Parallel()
	for n := range 80 {
		quoted := appendQuoted(nil, []byte(strings.Repeat("x", n)+"汉字"))
		if !bytes.Contains(quoted, []byte("=E6=B1=89")) || !bytes.Contains(quoted, []byte("=E5=AD=97")) {
			t.Fatalf("a character is broken: %q", quoted)
		}
	}
}

func TestTheShorterEncodingIsTaken(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "plain English text, all of it", "caf\u00e9 and more, most of it plain", "汉字", strings.Repeat("汉字 and words ", 30), strings.Repeat("a = b\n", 50)} {
		quoted, encoded := len(appendQuoted(nil, []byte(text))), len(appendBase64(nil, []byte(text)))
		short := quotedIsShorter([]byte(text))
		if short && quoted > encoded*5/4+8 || !short && encoded > quoted*5/4+8 {
			t.Errorf("%.20q: quoted %d, base64 %d, quoted taken: %v", text, quoted, encoded, short)
		}
	}
}

func FuzzFileNames(f *testing.F) {
	for _, s := range []string{
		"a.pdf", "发票.pdf", `we"ird\name.pdf`, "../../etc/passwd", "a\u202efdp.exe", "\u2066x\u2069.txt", "\r\nX: y", "", ".", "..", " .x. ", "a/b\\c",
		strings.Repeat("很", 300) + ".docx", "=?utf-8?B?5byg?=", "a;b=c", "%41", "it's", "\xff.pdf", "NUL", "C:\\a.txt", "\u200b", "x." + strings.Repeat("e", 300),
		strings.Repeat("x", 199) + " y",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, given string) {
		name := CleanName(given)
		if name == "" || len(name) > 200 || strings.ContainsAny(name, "/\\\r\n\x00\u202e\u202a\u2066\u200f") || CleanName(name) != name {
			t.Fatalf("%q became %q", given, name)
		}
		head := string(appendPartHead(nil, "application/pdf", "attachment", name, ""))
		fields := strings.Split(strings.ReplaceAll(head, "\r\n ", " "), "\r\n")
		if len(fields) != 5 {
			t.Fatalf("%d fields in %q", len(fields), head)
		}
		_, params, err := mime.ParseMediaType(strings.TrimPrefix(fields[1], "Content-Disposition: "))
		if err != nil || params["filename"] != name || len(params) != 1 {
			t.Fatalf("%q reads back as %q: %v", name, params, err)
		}
		_, params, err = mime.ParseMediaType(strings.TrimPrefix(fields[0], "Content-Type: "))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := new(mime.WordDecoder).DecodeHeader(params["name"]); err != nil || got != name {
			t.Fatalf("name= %q reads back as %q: %v", name, got, err)
		}
		for line := range strings.SplitSeq(head, "\r\n") {
			if len(line) > hard {
				t.Fatalf("a line of %d bytes", len(line))
			}
		}
	})
}

func TestTypesGoByTheExtensionOnly(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"a.pdf": "application/pdf", "A.PDF": "application/pdf", "发票.ofd": "application/ofd", "a.tar.gz": "application/gzip",
		"a.pdf.exe": typeOf("x.exe"), "a": "application/octet-stream", "a.unknownext": "application/octet-stream",
		"letter.eml": "application/octet-stream", "a.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	} {
		if got := typeOf(name); got != want || !mediaType(got) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// Most of a mail's HTML is markup that the layout writes.
func BenchmarkQuoted(b *testing.B) {
	src := []byte(strings.Repeat("<td style=\"padding:8px 12px;border:1px solid #d0d7de;font-size:15px\" align=\"left\">座位 3-17</td>\n", 40))
	dst := make([]byte, 0, 2*len(src))
	for b.Loop() {
		dst = appendQuoted(dst[:0], src)
	}
	b.SetBytes(int64(len(src)))
}
