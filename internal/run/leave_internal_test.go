package run

import "testing"

// Whoever fills the belt may see that the rest is due later before the account is held.
func TestALaneThatIsHeldSaysSoWhateverWasSeenFirst(t *testing.T) {
	t.Parallel()
	held, due, limit := Early{Why: "550", Held: true}, Early{Why: DueAgain, Due: true}, Early{Why: "100/day"}
	for _, c := range []struct {
		left []Early
		want Early
	}{
		{[]Early{due, held}, held}, {[]Early{held, due}, held}, {[]Early{limit, held}, limit}, {[]Early{due, limit}, due},
	} {
		s := &shift{end: func(error) {}}
		for _, e := range c.left {
			s.leave(e)
		}
		if *s.early != c.want {
			t.Errorf("after %v it is %v", c.left, *s.early)
		}
	}
}
