package report

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"hongyan/internal/ledger"
)

// lines are the entries for programs, one JSON object each: raw values, times
// in UTC, nothing where there is nothing. They are put together by hand, since a
// run writes them several times over and reflection costs more than the rest
// of the report.
type lines struct {
	w     io.Writer
	trace TraceID
	line  []byte
	keys  []string // of the fields, sorted
}

func (l *lines) add(e ledger.Entry) error {
	l.line = append(l.line[:0], `{"line":`...)
	l.line = strconv.AppendInt(l.line, int64(e.Line), 10)
	l.line = appendString(append(l.line, `,"address":`...), e.Address)
	l.text("name", e.Name)
	l.text("status", string(e.State))
	l.text("account", e.Account)
	l.line = strconv.AppendInt(append(l.line, `,"attempts":`...), int64(e.Attempts), 10)
	l.text("stage", e.Stage)
	l.number("code", int64(e.Code))
	l.text("enhanced", e.Enhanced)
	l.text("reply", e.Reply)
	l.text("class", e.Class)
	l.text("rule", e.Rule)
	l.text("message_id", e.MessageID)
	if l.trace != nil {
		l.text("trace_id", l.trace(e))
	}
	l.number("bytes", e.Bytes)
	l.times(e)
	l.fields(e.Fields)
	l.line = append(l.line, '}', '\n')
	_, err := l.w.Write(l.line)
	return err
}

func (l *lines) times(e ledger.Entry) {
	l.time("begun", e.Begun)
	l.time("ended", e.Ended)
	l.time("due", e.Due)
	if e.State == ledger.Sent {
		l.time("sent_at", e.Ended)
	}
	l.text("settled_by", e.SettledBy)
	l.time("settled_at", e.SettledAt)
}

func (l *lines) fields(fields map[string]string) {
	if len(fields) == 0 {
		return
	}
	l.keys = slices.AppendSeq(l.keys[:0], maps.Keys(fields))
	slices.Sort(l.keys)
	l.key("fields")
	next := byte('{')
	for _, k := range l.keys {
		l.line = append(appendString(append(l.line, next), k), ':')
		l.line = appendString(l.line, fields[k])
		next = ','
	}
	l.line = append(l.line, '}')
}

func (l *lines) key(name string) {
	l.line = append(l.line, ',', '"')
	l.line = append(l.line, name...)
	l.line = append(l.line, '"', ':')
}

func (l *lines) text(name, value string) {
	if value == "" {
		return
	}
	l.key(name)
	l.line = appendString(l.line, value)
}

func (l *lines) number(name string, value int64) {
	if value == 0 {
		return
	}
	l.key(name)
	l.line = strconv.AppendInt(l.line, value, 10)
}

func (l *lines) time(name string, value time.Time) {
	if value.IsZero() {
		return
	}
	l.key(name)
	l.line = append(value.UTC().AppendFormat(append(l.line, '"'), time.RFC3339Nano), '"')
}

// appendString leaves what is not plain to encoding/json.
func appendString(b []byte, s string) []byte {
	if plainJSON(s) {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) != nil {
		return append(b, '"', '"') // a string has no error
	}
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte{'\n'})...)
}

func plainJSON(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '"' || s[i] == '\\' {
			return false
		}
	}
	// JavaScript takes U+2028 and U+2029 for the end of a line.
	return utf8.ValidString(s) && !strings.Contains(s, "\u2028") && !strings.Contains(s, "\u2029")
}
