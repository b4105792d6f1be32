package config

import (
	"net/url"
	"path/filepath"
	"strings"
)

// Storage is where files lie that mails link to; zero when there is none.
type Storage struct {
	At  string   // a folder's path, or s3://BUCKET?…
	URL *url.URL // where serve answers for a folder; nil for a bucket
}

// storage reads where files lie that go as links.
func (b *builder) storage(values map[string]any, state Place) Storage {
	s := Storage{At: text(values["at"])}
	public := text(values["url"])
	switch {
	case s.At == "" && public == "":
		return s
	case strings.HasPrefix(s.At, "s3://"):
		if public != "" {
			b.wrong(join("storage", "url"), "a bucket answers for itself").Hinted("leave url: out")
		}
		return s
	case strings.Contains(s.At, "://"):
		b.wrong(join("storage", "at"), "%q is no storage", s.At).Hinted("write s3://BUCKET?region=…, or a folder")
		return s
	case s.At == "" && state.Database():
		b.wrong("storage", "a state that is shared needs a storage that is shared").Hinted("write at: s3://BUCKET?region=…, or a folder that all machines have")
		return s
	case s.At == "":
		s.At = filepath.Join(string(state), "parcels")
	default:
		s.At = within(b.dir, s.At)
	}
	if s.URL = webAddress(public); s.URL == nil || len(s.URL.Path) < 2 || s.URL.RawQuery != "" || s.URL.Fragment != "" {
		b.wrong(join("storage", "url"), "a folder's files need an address at which hongyan serve is reached").
			Hinted("write it like url: https://mail.example.com/files")
	}
	return s
}
