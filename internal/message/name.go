package message

import (
	"encoding/base64"
	"mime"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CleanName returns the name under which a file may travel: the last element
// only, without control, bidi and zero-width characters (a right-to-left
// override shows "exe.pdf" for "fdp.exe"), at most 200 bytes with its extension
// kept; "attachment" when nothing is left.
func CleanName(name string) string {
	name = strings.ToValidUTF8(name, "\uFFFD")
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Trim(strings.Map(visible, name), " .")
	if name == "" {
		return "attachment"
	}
	const longest = 200
	if len(name) <= longest {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 20 {
		ext = ""
	}
	return strings.Trim(name[:cut(name, longest-len(ext))], " .") + ext
}

// visible drops a character by which a name would look like another.
func visible(r rune) rune {
	switch {
	case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
		return -1
	case r == '\u200B', r == '\u2060', r == '\uFEFF', r == '\u2028', r == '\u2029':
		return -1
	}
	return r
}

// types goes before the system's table, which differs from machine to machine.
var types = map[string]string{
	".7z": "application/x-7z-compressed", ".avif": "image/avif", ".bmp": "image/bmp",
	".csv": "text/csv", ".doc": "application/msword",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".epub": "application/epub+zip", ".gif": "image/gif", ".gz": "application/gzip",
	".htm": "text/html", ".html": "text/html", ".ico": "image/x-icon", ".ics": "text/calendar",
	".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".json": "application/json", ".m4a": "audio/mp4",
	".md": "text/markdown", ".mp3": "audio/mpeg", ".mp4": "video/mp4", ".odt": "application/vnd.oasis.opendocument.text",
	".ofd": "application/ofd", ".pdf": "application/pdf", ".png": "image/png",
	".ppt":  "application/vnd.ms-powerpoint",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".rar":  "application/vnd.rar", ".rtf": "application/rtf", ".svg": "image/svg+xml", ".tar": "application/x-tar",
	".tif": "image/tiff", ".tiff": "image/tiff", ".tsv": "text/tab-separated-values", ".txt": "text/plain",
	".vcf": "text/vcard", ".wav": "audio/wav", ".webp": "image/webp", ".wps": "application/vnd.ms-works",
	".xls":  "application/vnd.ms-excel",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".xml":  "application/xml", ".zip": "application/zip",
}

// typeOf returns the media type of a file by its extension. It is never one
// that may not be sent in base64 (RFC 2046 §5: message and multipart).
func typeOf(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t, ok := types[ext]; ok {
		return t
	}
	t, _, err := mime.ParseMediaType(mime.TypeByExtension(ext))
	if err != nil || !mediaType(t) || strings.HasPrefix(t, "message/") || strings.HasPrefix(t, "multipart/") {
		return "application/octet-stream"
	}
	return t
}

// mediaType tells "type/subtype" without parameters.
func mediaType(t string) bool {
	kind, sub, ok := strings.Cut(t, "/")
	const more = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_"
	return ok && kind != "" && sub != "" && strings.Trim(kind+sub, more) == "" && len(t) < 200
}

// appendPartHead appends the header block of a file. The name stands twice:
// QQ and old Outlook read it from Content-Type in encoded words and show
// tcmime.bin without it, the others from Content-Disposition (RFC 2231) in one
// piece, which more of them understand than continuations.
func appendPartHead(dst []byte, kind, disposition, name, cid string) []byte {
	dst = append(append(dst, "Content-Type: "...), kind...)
	dst = append(dst, ";\r\n name=\""...)
	dst = appendWordsOrName(dst, name)
	dst = append(dst, "\"\r\nContent-Disposition: "...)
	dst = append(append(dst, disposition...), ";\r\n filename"...)
	dst = appendFilename(dst, name)
	dst = append(dst, "\r\nContent-Transfer-Encoding: base64\r\n"...)
	if cid != "" {
		dst = append(append(append(dst, "Content-ID: <"...), cid...), ">\r\n"...)
	}
	return append(dst, "\r\n"...)
}

// simple tells a name that needs neither encoding nor quoted pairs.
func simple(name string) bool {
	return readable(name) && !strings.ContainsAny(name, `"\`)
}

// appendWordsOrName appends the value of name=, between quotes.
func appendWordsOrName(dst []byte, name string) []byte {
	if simple(name) {
		return append(dst, name...)
	}
	const raw = 45 // 60 in base64 and 12 around it
	for {
		n := cut(name, raw)
		dst = append(dst, "=?utf-8?B?"...)
		dst = base64.StdEncoding.AppendEncode(dst, []byte(name[:n]))
		dst = append(dst, "?="...)
		if name = name[n:]; name == "" {
			return dst
		}
		dst = append(dst, "\r\n "...)
	}
}

// appendFilename appends what follows "filename", RFC 2231 §4 if need be.
func appendFilename(dst []byte, name string) []byte {
	if simple(name) {
		return append(append(append(dst, `="`...), name...), '"')
	}
	const hex = "0123456789ABCDEF"
	dst = append(dst, "*=utf-8''"...)
	for _, c := range []byte(name) {
		if c < utf8.RuneSelf && strings.IndexByte("*'%\"\\ ()<>@,;:/[]?=", c) < 0 {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', hex[c>>4], hex[c&15])
	}
	return dst
}
