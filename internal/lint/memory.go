package lint

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// A Memory keeps what was read of tags and style sheets, of which the mails of
// one template to the same clients have nearly all in common. The zero Memory is
// ready; it is safe for concurrent use and bounded.
type Memory struct {
	mu     sync.RWMutex
	tags   map[string]*tag
	sheets map[string][]use
	losses map[string][]Finding // by the features used
}

// mostTags bounds a memory: the tags of a template are few, but those with a
// recipient's values in them are not.
const mostTags = 2000

// known returns a tag that was read before, nil if it was not.
func (m *Memory) known(raw []byte) *tag {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.tags[string(raw)]
}

// tag returns the tokenizer's present tag.
func (m *Memory) tag(z *html.Tokenizer) *tag {
	raw := z.Raw()
	t := m.known(raw)
	if t != nil {
		return t
	}
	key := string(raw) // before the tokenizer reads it, which changes it
	t = readTag(z)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.tags == nil {
		m.tags = map[string]*tag{}
	}
	if len(m.tags) < mostTags {
		m.tags[key] = t
	}
	return t
}

// sheet returns what a style sheet uses.
func (m *Memory) sheet(css string) []use {
	m.mu.RLock()
	used, known := m.sheets[css]
	m.mu.RUnlock()
	if known {
		return used
	}
	readSheet(css, func(feature int, needle string) { used = append(used, use{feature, needle}) })
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sheets == nil {
		m.sheets = map[string][]use{}
	}
	if len(m.sheets) < mostTags {
		m.sheets[css] = used
	}
	return used
}

// lost returns the findings that the features of a mail give rise to.
func (m *Memory) lost(used []use, weigh func() []Finding) []Finding {
	var key []byte
	for _, u := range used {
		key = utf8.AppendRune(key, rune(u.feature))
		key = append(append(key, u.needle...), 0)
	}
	m.mu.RLock()
	found, known := m.losses[string(key)]
	m.mu.RUnlock()
	if known {
		return found
	}
	found = weigh()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.losses == nil {
		m.losses = map[string][]Finding{}
	}
	if len(m.losses) < mostTags {
		m.losses[string(key)] = found
	}
	return found
}
