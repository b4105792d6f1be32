package sandbox

import "encoding/binary"

// frame is the header that leaks out of QQ's inner protocol before an answer
// of n bytes.
//
// QUIRK(qq): 16 bytes, big endian: the whole length (16 + n), n, and eight
// zeros; "221 Bye." wears 00 00 00 1a 00 00 00 0a 00… (go-mail #463, #464).
func frame(n int) []byte {
	b := make([]byte, 16, 16+n)
	binary.BigEndian.PutUint32(b, uint32(16+n))
	binary.BigEndian.PutUint32(b[4:], uint32(n))
	return b
}
