package outline

import (
	"github.com/goccy/go-yaml/token"

	"hongyan/internal/fault"
)

// Bounds of what the parser is given. QUIRK(goccy): 1.19.2 takes time, and
// memory that it keeps, by the square of each.
const (
	maxBlank = 200    // lines in a row: it cuts them off a text one by one
	maxDepth = 64     // values in values
	maxNames = 1024   // letters of the keys around a value: each value holds them all
	maxKeys  = 20_000 // of one map
)

// sparse returns the fault of blank lines that nobody wrote by hand.
func sparse(src []byte) *fault.Fault {
	line, blank := 1, -1 // the break that ends a text leaves no blank line
	for i, c := range src {
		switch {
		case c == '\n', c == '\r' && (i+1 == len(src) || src[i+1] != '\n'):
			if blank++; blank > maxBlank {
				return fault.At("", line, "there are more than %d blank lines in a row", maxBlank)
			}
			line++
		case c != ' ' && c != '\t' && c != '\r':
			blank = -1
		}
	}
	return nil
}

// bounded returns the fault of the first token that leads out of the bounds.
func bounded(tokens token.Tokens) *fault.Fault {
	var n nest
	for _, t := range tokens {
		if bad := n.take(t); bad != nil {
			bad.Line = t.Position.Line
			return bad
		}
	}
	return nil
}

// A nest is all that the next value stands in.
type nest struct {
	levels      []level
	letters     int // of all names
	begun, over bool
}

// A level is a pair of brackets, or what begins in one column. A list that
// stands below its key without an indent shares the key's level.
type level struct {
	column int // 0: brackets
	keys   int
	name   int // letters of the last key
}

func (n *nest) take(t *token.Token) *fault.Fault {
	switch t.Type {
	case token.CommentType, token.DirectiveType:
		return nil
	case token.DocumentHeaderType, token.DocumentEndType:
		n.over = n.begun
		return nil
	case token.SequenceStartType, token.MappingStartType:
		n.levels = append(n.levels, level{})
	case token.SequenceEndType, token.MappingEndType:
		n.close()
	case token.SequenceEntryType, token.MappingKeyType:
		n.settle(t.Position.Column)
	case token.MappingValueType:
		n.name(t.Prev)
	}
	n.begun = true
	return n.fault()
}

func (n *nest) fault() *fault.Fault {
	switch {
	case n.over:
		return fault.At("", 0, "there is a second document behind ---").Hinted("one document in each file")
	case len(n.levels) > maxDepth:
		return fault.At("", 0, "values stand in values more than %d deep", maxDepth).Hinted("is this the file that was meant?")
	case n.letters > maxNames:
		return fault.At("", 0, "the keys around this value have more than %d letters together", maxNames).Hinted("is this the file that was meant?")
	case len(n.levels) > 0 && n.top().keys > maxKeys:
		return fault.At("", 0, "this map has more than %d keys", maxKeys).Hinted("write it as a list of maps")
	}
	return nil
}

func (n *nest) top() *level { return &n.levels[len(n.levels)-1] }

func (n *nest) pop() level {
	last := *n.top()
	n.levels = n.levels[:len(n.levels)-1]
	n.letters -= last.name
	return last
}

// close leaves the innermost brackets.
func (n *nest) close() {
	for len(n.levels) > 0 {
		if n.pop().column == 0 {
			return
		}
	}
}

// settle leaves all levels that lie further right than a column, and begins one
// there. Within brackets columns mean nothing.
func (n *nest) settle(column int) {
	for len(n.levels) > 0 && n.top().column > column {
		n.pop()
	}
	if len(n.levels) == 0 || 0 < n.top().column && n.top().column < column {
		n.levels = append(n.levels, level{column: column})
	}
}

func (n *nest) name(key *token.Token) {
	if key == nil {
		return
	}
	n.settle(key.Position.Column)
	top := n.top()
	n.letters += len(key.Value) - top.name
	top.name = len(key.Value)
	top.keys++
}
