// Package fault says what is wrong in a file that the user wrote: where, what,
// and how to mend it. A fault is neither a refusal by a server nor a breakdown
// of the machine. The room must never know the reader's language: a sentence
// keeps its values apart, and the door says it.
package fault

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Text is a sentence with its values apart. Format is a literal in the style of
// fmt and the key of the message catalogue; an argument may be a Text itself.
type Text struct {
	Format string
	Many   string `json:",omitempty"` // of [Counted]: the format unless there is one of them
	Args   []any
}

// Textf returns the sentence of a literal format and its values.
func Textf(format string, args ...any) Text { return Text{Format: format, Args: args} }

// Counted returns a sentence about n things: the first format where there is one
// of them, else the second, both literals. n is the first value of both.
func Counted(one, many string, n int, more ...any) Text {
	return Text{Format: one, Many: many, Args: append([]any{n}, more...)}
}

// String returns the sentence in English; "" for the zero Text.
func (t Text) String() string {
	if t.Many != "" && t.Args[0] != 1 {
		return fmt.Sprintf(t.Many, t.Args...)
	}
	return fmt.Sprintf(t.Format, t.Args...)
}

// Fault is one thing that the user has to mend.
type Fault struct {
	File string // as it is shown; "" when the fault stands in no file
	Line int    // from 1; 0 when the fault stands in no line
	What Text
	Hint Text // how to mend it; zero when What says enough
}

// At returns the fault at a line of a file (0: the file as a whole). The
// format must be a literal.
func At(file string, line int, format string, args ...any) *Fault {
	return &Fault{File: file, Line: line, What: Textf(format, args...)}
}

// Hinted gives the fault its hint and returns it. The format must be a literal.
func (f *Fault) Hinted(format string, args ...any) *Fault {
	f.Hint = Textf(format, args...)
	return f
}

// Place returns "file:line", as much of it as there is.
func (f *Fault) Place() string {
	switch {
	case f.Line > 0 && f.File != "":
		return fmt.Sprintf("%s:%d", f.File, f.Line)
	case f.Line > 0:
		return fmt.Sprintf("line %d", f.Line)
	}
	return f.File
}

// Error returns "file:line: what" and, if there is a hint, a second line with it.
func (f *Fault) Error() string {
	var b strings.Builder
	if place := f.Place(); place != "" {
		b.WriteString(place + ": ")
	}
	b.WriteString(f.What.String())
	if f.Hint.Format != "" {
		b.WriteString("\n    " + f.Hint.String())
	}
	return b.String()
}

// Faults are all that is wrong; as an error it is the whole list.
type Faults []*Fault

// Error returns the faults one below the other, by file and line.
func (fs Faults) Error() string {
	var b strings.Builder
	for i, f := range fs.Sorted() {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(f.Error())
	}
	return b.String()
}

// Sorted returns the faults by file and line; those of one line stay in order.
func (fs Faults) Sorted() Faults {
	out := slices.Clone(fs)
	slices.SortStableFunc(out, func(a, b *Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return out
}

// Err returns the faults as an error, or nil when there are none.
func (fs Faults) Err() error {
	if len(fs) == 0 {
		return nil
	}
	return fs
}

// In returns the faults that an error consists of, nil if it is something else.
func In(err error) Faults {
	if faults, ok := errors.AsType[Faults](err); ok {
		return faults
	}
	if one, ok := errors.AsType[*Fault](err); ok {
		return Faults{one}
	}
	return nil
}
