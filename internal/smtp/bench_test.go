package smtp_test

import (
	"sync"
	"testing"

	"hongyan/internal/smtp"
)

// BenchmarkAMail is what the protocol costs a mail, both ends, without a kernel.
func BenchmarkAMail(b *testing.B) {
	there, back := newQueue(-1), newQueue(-1)
	s := &sink{taken: map[string]int{}, extensions: "250 PIPELINING\r\n"}
	var served sync.WaitGroup
	served.Go(func() { s.serve(&end{in: there, out: back, took: -1}) })
	c, err := smtp.Hello(b.Context(), &end{in: back, out: there, took: -1}, smtp.Options{Pipelining: true})
	if err != nil {
		b.Fatal(err)
	}
	mails := [2]*letter{newLetter("1").padded(4096), newLetter("2").padded(4096)}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := c.Offer(b.Context(), mails[i%2]); err != nil {
			b.Fatal(err)
		}
		if _, err := c.Deliver(b.Context(), mails[(i+1)%2]); err != nil {
			b.Fatal(err)
		}
	}
	c.Close()
	served.Wait()
}
