package reply

import "iter"

// BuiltinRules yields the name and source of every rule that ships.
func BuiltinRules() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, s := range builtin() {
			for _, r := range s.rules {
				if !yield(r.verdict.Rule, r.verdict.Source) {
					return
				}
			}
		}
	}
}

// ReadRules yields the name of every good rule of a file, then every fault.
func ReadRules(src []byte) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		s, faults := readSheet("my.yaml", "my.yaml", src)
		for _, r := range s.rules {
			if !yield(r.verdict.Rule, nil) {
				return
			}
		}
		for _, f := range faults {
			if !yield("", f) {
				return
			}
		}
	}
}
