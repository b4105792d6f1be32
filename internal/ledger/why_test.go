package ledger_test

import (
	"testing"

	"hongyan/internal/ledger"
)

func TestWhatHongyanWroteDownIsReadAgain(t *testing.T) {
	t.Parallel()
	written := ledger.GivenUp(12, "450 later: try again")
	if n, last, ours := ledger.ReadGivenUp(written); n != 12 || last != "450 later: try again" || !ours {
		t.Errorf("%q is %d, %q, %t", written, n, last, ours)
	}
	written = ledger.LinksLost(3)
	if n, ours := ledger.ReadLinksLost(written); n != 3 || !ours {
		t.Errorf("%q is %d, %t", written, n, ours)
	}
}

func TestAServersWordsAreNotTakenForHongyans(t *testing.T) {
	t.Parallel()
	for _, said := range []string{"", "550 no", "given up after a while: no", "given up after 3 attempts", "rate-account", "many links lost in a row"} {
		if n, last, ours := ledger.ReadGivenUp(said); ours {
			t.Errorf("%q is taken for given up: %d, %q", said, n, last)
		}
		if n, ours := ledger.ReadLinksLost(said); ours {
			t.Errorf("%q is taken for %d links", said, n)
		}
	}
}
