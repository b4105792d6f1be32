package lint

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/html/atom"

	"hongyan/internal/fault"
)

//go:embed caniemail/table.json unverified.json
var data embed.FS

// Clients are the weights of the clients that readers use: "gmail" for a
// family, "outlook/windows" for one of its platforms; only their proportions
// matter. nil stands for Usual.
type Clients map[string]float64

// Usual is a mixed Chinese and international audience. It is an assumption,
// not a measurement: nobody publishes shares for Chinese mailboxes. QQ Mail
// and NetEase change no share because nobody tested them; what is said of them
// is told when they are among the clients.
func Usual() Clients {
	return Clients{
		"apple-mail": 4, "gmail": 4, "outlook/windows": 2, "outlook/outlook-com": 1,
		"outlook/macos": 0.5, "outlook/ios": 0.5, "outlook/android": 0.5, "samsung-email": 0.5,
		"thunderbird": 0.5, "yahoo": 0.5, "qq": 4, "netease": 2,
	}
}

// ClientNames returns the names that Clients may have.
func ClientNames() []string {
	out := untested()
	for _, c := range table().clients {
		family, _, _ := strings.Cut(c.slug, "/")
		out = append(out, family, c.slug)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// untested are the clients of our own table.
func untested() []string { return []string{"qq", "netease"} }

// untested tells whether readers use one of the clients that nobody tested.
func (c Clients) untested() bool {
	return c == nil || slices.ContainsFunc(untested(), func(name string) bool { return c[name] > 0 })
}

// losses returns a function that tells the loss of a feature.
func (c Clients) losses() func(feature int) loss {
	s := table()
	if c == nil {
		return func(feature int) loss { return s.usual[feature] }
	}
	weights := s.weigh(c)
	return func(feature int) loss { return s.loss(s.features[feature], weights) }
}

// A support is the reduced table of caniemail.com and our own of the Chinese
// clients, with the ways that a page's features are found in it. It is made
// once and never changed.
type support struct {
	clients    []client
	members    map[string]int // platforms of a family
	features   []feature
	unverified map[string][]doubt
	slugs      map[string]int
	property   map[string]int // CSS properties
	function   map[string]int
	unit       map[string]int
	element    map[atom.Atom]int
	attribute  map[string]int
	breaks     map[int]bool
	usual      []loss // by feature
}

type client struct{ slug, title string }

type feature struct{ slug, title, letters string }

// name is how a feature most likely stands in a source.
func (f feature) name() string { return strings.TrimPrefix(f.slug, "html-") }

// A doubt is a row of our own table: what guides say, and nobody has tested. Its
// note and its source are sentences of the message catalogue.
type doubt struct{ Slug, Clients, Note, Source string }

var table = sync.OnceValue(readTable)

func readTable() *support {
	var in struct {
		Clients  [][2]string
		Features [][3]string
	}
	var own struct{ Rows []doubt }
	decode("caniemail/table.json", &in)
	decode("unverified.json", &own)
	s := &support{members: map[string]int{}, slugs: map[string]int{}, unverified: map[string][]doubt{}}
	for _, c := range in.Clients {
		s.clients = append(s.clients, client{c[0], c[1]})
		family, _, _ := strings.Cut(c[0], "/")
		s.members[family]++
	}
	for i, f := range in.Features {
		s.features = append(s.features, feature{f[0], f[1], f[2]})
		s.slugs[f[0]] = i
	}
	for _, d := range own.Rows {
		s.unverified[d.Slug] = append(s.unverified[d.Slug], d)
	}
	s.index()
	weights := s.weigh(Usual())
	for _, f := range s.features {
		s.usual = append(s.usual, s.loss(f, weights))
	}
	return s
}

// decode reads a table that is built in: it cannot fail but in a test.
func decode(name string, v any) {
	src, err := data.ReadFile(name)
	if err == nil {
		err = json.Unmarshal(src, v)
	}
	if err != nil {
		panic(fmt.Sprintf("lint: %s: %v", name, err))
	}
}

// weigh shares a family's weight among its platforms.
func (s *support) weigh(c Clients) []float64 {
	out := make([]float64, len(s.clients))
	for i, client := range s.clients {
		family, _, _ := strings.Cut(client.slug, "/")
		out[i] = c[client.slug] + c[family]/float64(s.members[family])
	}
	return out
}

// slug returns the number of a feature, -1 if there is none.
func (s *support) slug(name string) int {
	if i, ok := s.slugs[name]; ok {
		return i
	}
	return -1
}

// breaking are the features whose lack spoils a mail; all others degrade.
const breaking = `css-position css-float css-display-flex css-display-grid css-flex-direction css-grid-template
	css-gap css-variables css-unit-rem css-unit-vh css-unit-vw css-unit-vmin css-unit-vmax css-unit-ch css-unit-calc
	css-function-clamp css-function-min css-function-max css-function-light-dark css-background-image
	css-linear-gradient css-radial-gradient css-conic-gradient css-transform css-modern-color css-inset
	css-left-right-top-bottom css-writing-mode css-at-import css-nesting css-inline-size css-block-inline-size
	css-margin-inline-block css-padding-inline-block css-clip-path css-mask-image css-object-fit
	html-svg html-video html-audio html-picture html-link html-base html-object html-dialog html-popover
	html-image-maps html-meter html-progress html-srcset image-webp image-avif image-svg image-base64
	image-apng image-heif image-hdr image-bmp image-tiff image-ico image-mp4`

// clients tells what the page's features lose; nearly all mails of a template
// have the same.
func (c *check) clients(p *page) {
	c.found = append(c.found, p.memory.lost(p.used, func() []Finding {
		of := &check{mail: c.mail, count: map[string]int{}}
		of.lost(p.used)
		return of.found
	})...)
}

// lost weighs each feature by those who cannot read it. What merely degrades is
// told in one finding: every good mail has some of it.
func (c *check) lost(used []use) {
	losses := c.mail.Clients.losses()
	var degrades []string
	for _, u := range used {
		f := table().features[u.feature]
		l := losses(u.feature)
		switch {
		case l.not >= 0.1 && table().breaks[u.feature]:
			c.add(clientSupport, u.needle, fault.Textf("%s: not supported for %.0f%% of the readers, partly for %.0f%% (%s)",
				f.title, 100*l.not, 100*l.partly, l.names()), fault.Text{})
		case l.not+l.partly/2 >= 0.4:
			degrades = append(degrades, fmt.Sprintf("%s %.0f%%", f.title, 100*(l.not+l.partly)))
		}
		if !c.mail.Clients.untested() {
			continue
		}
		for _, d := range table().unverified[f.slug] {
			c.add(clientUnverified, u.needle, fault.Textf("%s may not work in %s (unverified: %s)", f.title, d.Clients, fault.Textf(d.Source)),
				fault.Textf(d.Note))
		}
	}
	if degrades != nil {
		c.add(clientDegrades, "", fault.Textf("ignored, wholly or in part, by the clients of many readers: %s", strings.Join(degrades, ", ")),
			fault.Textf("the mail must read well without it"))
	}
}

// A loss is the share of readers, 0 to 1, who do not get a feature.
type loss struct {
	not, partly float64
	who         []string
}

func (s *support) loss(f feature, weights []float64) (l loss) {
	all := 0.0
	for i, w := range weights {
		switch f.letters[i] {
		case '-':
			continue
		case 'n':
			l.not += w
			if w > 0 {
				l.who = append(l.who, s.clients[i].title)
			}
		case 'a':
			l.partly += w
		}
		all += w
	}
	if all == 0 {
		return loss{}
	}
	l.not, l.partly = l.not/all, l.partly/all
	return l
}

func (l loss) names() string {
	if len(l.who) > 4 {
		return strings.Join(l.who[:4], ", ") + " …"
	}
	return strings.Join(l.who, ", ")
}
