package intake

import "hash/maphash"

// Bits is a set of entries of one issue, by their ids: a bit each, so that a
// million of them take an eighth of a megabyte.
type Bits []uint64

// Set puts an entry into the set.
func (b *Bits) Set(id int64) {
	n := id & (1<<32 - 1)
	for int64(len(*b)) <= n/64 {
		*b = append(*b, 0)
	}
	(*b)[n/64] |= 1 << (n % 64)
}

// Has reports whether an entry is in the set.
func (b Bits) Has(id int64) bool {
	n := id & (1<<32 - 1)
	return n/64 < int64(len(b)) && b[n/64]&(1<<(n%64)) != 0
}

// A Sieve is a Bloom filter: it remembers addresses in a few megabytes, however
// many they are. It never forgets one, and takes few for known that are not: with
// 1<<23 bits one in fifty of a million, with 1<<26 one in ninety thousand of a
// million and one in twenty-five of ten millions. A nil one takes all for known.
type Sieve struct {
	seed maphash.Seed
	bits []uint64
}

// NewSieve returns an empty sieve of so many bits, a multiple of 64.
func NewSieve(bits int) *Sieve {
	return &Sieve{seed: maphash.MakeSeed(), bits: make([]uint64, bits/64)}
}

// Add remembers an address.
func (s *Sieve) Add(address string) {
	if s == nil {
		return
	}
	for _, at := range s.places(address) {
		s.bits[at/64] |= 1 << (at % 64)
	}
}

// Maybe is false only of an address that certainly was never added.
func (s *Sieve) Maybe(address string) bool {
	if s == nil {
		return true
	}
	for _, at := range s.places(address) {
		if s.bits[at/64]&(1<<(at%64)) == 0 {
			return false
		}
	}
	return true
}

// places are where an address leaves its marks, by double hashing.
func (s *Sieve) places(address string) (out [4]uint64) {
	h := maphash.String(s.seed, address)
	for i := range out {
		out[i] = (h + uint64(i)*(h>>32|1)) % (64 * uint64(len(s.bits)))
	}
	return out
}
