package lint

import (
	"sync"

	"golang.org/x/net/html"
)

// A Memory keeps what was read of tags and style sheets, of which the mails of
// one template have nearly all in common. The zero Memory is ready; it is safe
// for concurrent use and bounded.
type Memory struct {
	mu     sync.RWMutex
	tags   map[string]*tag
	sheets map[string][]use
}

// mostTags bounds a memory: the tags of a template are few, but those with a
// recipient's values in them are not.
const mostTags = 2000

// tag returns the tokenizer's present tag.
func (m *Memory) tag(z *html.Tokenizer) *tag {
	raw := z.Raw()
	m.mu.RLock()
	t := m.tags[string(raw)]
	m.mu.RUnlock()
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
