package postgres

import (
	"hash/maphash"
)

// bits is a set of entries of one issue: a bit each, so that a million of them
// take an eighth of a megabyte.
type bits []uint64

func (b *bits) set(id int64) {
	n := id & (1<<32 - 1)
	for int64(len(*b)) <= n/64 {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

func (b bits) has(id int64) bool {
	n := id & (1<<32 - 1)
	return n/64 < int64(len(b)) && b[n/64]&(1<<(n%64)) != 0
}

// A sieve remembers addresses in eight megabytes, however many they are. It never
// forgets one, and takes few for known that are not: of a million one in ninety
// thousand, of ten millions one in twenty-five.
type sieve struct {
	all  bool // it was not there from the beginning
	seed maphash.Seed
	set  bits
}

const holes = 1 << 26

// places are where an address leaves its marks.
func (s *sieve) places(address string) (out [4]int64) {
	h := maphash.String(s.seed, address)
	for i := range out {
		out[i] = int64((h + uint64(i)*(h>>32|1)) % holes)
	}
	return out
}

func (s *sieve) add(address string) {
	if s.all {
		return
	}
	if s.set == nil {
		s.seed, s.set = maphash.MakeSeed(), make(bits, holes/64)
	}
	for _, at := range s.places(address) {
		s.set.set(at)
	}
}

// maybe is false only of an address that certainly was never added.
func (s *sieve) maybe(address string) bool {
	if s.all || s.set == nil {
		return s.all
	}
	for _, at := range s.places(address) {
		if !s.set.has(at) {
			return false
		}
	}
	return true
}
