package sandbox

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

//go:embed profiles/*.yaml
var profiles embed.FS

// A profile is how one provider behaves; every file is laid over plain.yaml.
type profile struct {
	Host       string             // what {host} stands for
	Greeting   string             //
	Helo       string             // the answer to HELO
	Hello      string             // first line of the answer to EHLO, without its code
	Ehlo       []string           // what is announced, line by line
	Prompts    []string           // of AUTH LOGIN, before base64
	Login      bool               // nobody may send without one
	Own        bool               // MAIL FROM must be the login
	Frame      bool               // 16 bytes before each answer once DATA is done
	Strict     bool               // bare CR, bare LF and lines over 998 octets are refused
	From       string             // the header From must be "valid", or the "same" as the envelope's; "" = unchecked
	Hangup     []string           // replies that end the connection
	Replies    map[string]string  // by name; one that may be empty is not checked
	Limits     bounds             //
	Recipients map[string]conduct // by local part
}

// bounds are a provider's limits, each with its answer.
type bounds struct {
	Rate        bound
	Connection  bound
	Connections bound
	Size        int64
}

type bound struct {
	N     int           // 0 = no limit
	Per   time.Duration // of Rate only
	At    Stage         // where it is answered
	Reply string
}

// conduct is how a mail to one local part fares.
type conduct struct {
	At     Stage
	Times  int           // only so many tries fare so; 0 = all
	Within time.Duration // and all tries within this time of the first
	Action `yaml:",inline"`
}

// Profiles are the names of all profiles, sorted.
func Profiles() []string {
	files, _ := fs.Glob(profiles, "profiles/*.yaml") // the pattern is sound: no error
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, "profiles/"), ".yaml")
	}
	return slices.Sorted(slices.Values(files))
}

// load reads a profile and lays it over the well-behaved one.
func load(name string) (*profile, error) {
	plain, err := read("plain")
	if err != nil || name == "plain" {
		return plain, err
	}
	p, err := read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("sandbox: there is no profile %q; there are %s", name, strings.Join(Profiles(), ", "))
	}
	if err != nil {
		return nil, err
	}
	p.over(plain)
	return p, nil
}

func read(name string) (*profile, error) {
	src, err := profiles.ReadFile("profiles/" + name + ".yaml")
	if err != nil {
		return nil, err
	}
	p := &profile{}
	if err := yaml.UnmarshalWithOptions(src, p, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("sandbox: profile %s: %w", name, err)
	}
	return p, nil
}

// over fills what p does not say from the well-behaved profile.
func (p *profile) over(plain *profile) {
	p.Replies = laid(plain.Replies, p.Replies)
	p.Recipients = laid(plain.Recipients, p.Recipients)
	p.Limits.Rate.over(plain.Limits.Rate)
	p.Limits.Connection.over(plain.Limits.Connection)
	p.Limits.Connections.over(plain.Limits.Connections)
	if p.Limits.Size == 0 {
		p.Limits.Size = plain.Limits.Size
	}
	if len(p.Prompts) == 0 {
		p.Prompts = plain.Prompts
	}
}

func (b *bound) over(plain bound) {
	if b.Reply == "" {
		n, per := b.N, b.Per
		*b = plain
		b.N, b.Per = n, per
	}
}

func laid[V any](base, over map[string]V) map[string]V {
	out := maps.Clone(base)
	maps.Copy(out, over)
	return out
}

// limit lays the options' limits over the profile's.
func (p *profile) limit(l Limits) {
	set(&p.Limits.Rate.N, l.Mails)
	set(&p.Limits.Rate.Per, l.Per)
	set(&p.Limits.Connection.N, l.PerConnection)
	set(&p.Limits.Connections.N, l.Connections)
	set(&p.Limits.Size, l.Size)
	if p.Limits.Rate.Per == 0 {
		p.Limits.Rate.Per = time.Minute
	}
	grey, slow := p.Recipients["greylist"], p.Recipients["slow"]
	set(&grey.Within, l.Grey)
	set(&slow.Wait, l.Slow)
	p.Recipients["greylist"], p.Recipients["slow"] = grey, slow
}

func set[N int | int64 | time.Duration](to *N, n N) {
	switch {
	case n > 0:
		*to = n
	case n < 0:
		*to = 0
	}
}

// conductOf is how a mail to this address fares, and whether it fares in any
// special way at all.
func (p *profile) conductOf(address string) (conduct, bool) {
	local, _, _ := strings.Cut(address, "@")
	local, _, _ = strings.Cut(strings.ToLower(local), "+")
	c, ok := p.Recipients[local]
	if !ok && len(local) == 3 && local >= "400" && local <= "599" && strings.Trim(local, "0123456789") == "" {
		return conduct{At: AtRcpt, Action: Action{Reply: local + " as you wish"}}, true
	}
	return c, ok
}
