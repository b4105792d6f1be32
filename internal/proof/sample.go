package proof

import (
	"iter"
	"slices"
	"time"

	"hongyan/internal/edition"
	"hongyan/internal/list"
)

// Sample picks the lines of n mails to look at: the smallest and the largest mail, the
// rows with the most empty fields, one row of each subject length, then the
// first ones. It returns nil when everything is wanted.
func (p *Proof) Sample(rows iter.Seq2[list.Recipient, error], compose Compose, n int) (map[int]bool, error) {
	if n <= 0 {
		return nil, nil
	}
	type measured struct{ line, size, empty, subject int }
	var all []measured
	now := time.Now()
	for r, err := range rows {
		if err != nil {
			return nil, err
		}
		if r.Fault != nil {
			continue
		}
		mail, err := compose(edition.Entry(r), now)
		if err != nil {
			continue
		}
		one := measured{line: r.Line, size: int(mail.Size()), subject: len(mail.Subject)}
		for _, column := range p.Edition.List.Columns() {
			if r.Fields[column] == "" {
				one.empty++
			}
		}
		all = append(all, one)
	}
	wanted := map[int]bool{}
	take := func(measure func(measured) int) {
		if len(all) > 0 && len(wanted) < n {
			wanted[slices.MaxFunc(all, func(a, b measured) int { return measure(a) - measure(b) }).line] = true
		}
	}
	take(func(m measured) int { return m.size })
	take(func(m measured) int { return -m.size })
	take(func(m measured) int { return m.empty })
	take(func(m measured) int { return m.subject })
	take(func(m measured) int { return -m.subject })
	for i := 0; len(wanted) < min(n, len(all)); i++ {
		wanted[all[i*len(all)/n%len(all)].line] = true
		if i >= n {
			wanted[all[i%len(all)].line] = true
		}
	}
	return wanted, nil
}
