package message

import "crypto/rand"

// Throwaway is a key for the ids of mails that nobody will look for by them: tests,
// previews, notices.
func Throwaway() []byte {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return key
}
