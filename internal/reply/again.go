package reply

import (
	"strconv"
	"strings"
	"time"
)

// Texts that name a time to come back: "try again in 15 minutes", "Greylisted
// for 300 seconds", "请 2 小时后重试", and milter-greylist's "come back in 00:04:59".
const (
	againPattern = `(?i)(?:try|retry|wait|come back|resend|greylist(?:ed|ing)?|graylisted|deferred|blocked)\b[^.;0-9]{0,40}?\b(\d{1,6})\s*(s|m|h)(?:ecs?|econds?|ins?|inutes?|rs?|ours?)?\b` +
		`|(\d{1,6})\s*个?\s*(秒|分|小时)钟?(?:后|之后|以后)`
	clockPattern = `(?i)(?:try|retry|wait|come back)\b[^.;0-9]{0,40}?\b(\d{1,2}):(\d\d):(\d\d)\b`
)

// A server's word about when to come back counts within these bounds.
const (
	soonest = 30 * time.Second
	latest  = 24 * time.Hour
)

// heed puts the time that the server names into a verdict that waits. An
// unknown 5yz that names one is no final no.
func (b *Book) heed(v Verdict, a Answer) Verdict {
	if a.Local || v.Human || v.Final && v.Class != Unknown {
		return v
	}
	if d, ok := b.comeBack(a.Text); ok {
		v.Wait, v.Final = min(max(d, soonest), latest), false
	}
	return v
}

func (b *Book) comeBack(text string) (time.Duration, bool) {
	if m := b.again.FindStringSubmatch(text); m != nil {
		n, unit := m[1]+m[3], strings.ToLower(m[2]+m[4])
		return times(n, unitOf(unit)), true
	}
	if m := b.clock.FindStringSubmatch(text); m != nil {
		return times(m[1], time.Hour) + times(m[2], time.Minute) + times(m[3], time.Second), true
	}
	return 0, false
}

func unitOf(word string) time.Duration {
	switch word {
	case "h", "小时":
		return time.Hour
	case "m", "分":
		return time.Minute
	}
	return time.Second
}

// times never overflows: six digits of hours are a hundred years.
func times(n string, unit time.Duration) time.Duration {
	i, _ := strconv.Atoi(n)
	return time.Duration(i) * unit
}
