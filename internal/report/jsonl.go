package report

import (
	"encoding/json"
	"io"
	"time"

	"hongyan/internal/ledger"
)

// A line is one entry for programs: raw values, times in UTC.
type line struct {
	Line      int               `json:"line"`
	Address   string            `json:"address"`
	Name      string            `json:"name,omitempty"`
	Status    ledger.State      `json:"status"`
	Account   string            `json:"account,omitempty"`
	Attempts  int               `json:"attempts"`
	Stage     string            `json:"stage,omitempty"`
	Code      int               `json:"code,omitempty"`
	Enhanced  string            `json:"enhanced,omitempty"`
	Reply     string            `json:"reply,omitempty"`
	Class     string            `json:"class,omitempty"`
	Rule      string            `json:"rule,omitempty"`
	MessageID string            `json:"message_id,omitempty"`
	Bytes     int64             `json:"bytes,omitempty"`
	Begun     time.Time         `json:"begun,omitzero"`
	Ended     time.Time         `json:"ended,omitzero"`
	Due       time.Time         `json:"due,omitzero"`
	SentAt    time.Time         `json:"sent_at,omitzero"`
	SettledBy string            `json:"settled_by,omitempty"`
	SettledAt time.Time         `json:"settled_at,omitzero"`
	Fields    map[string]string `json:"fields,omitempty"`
}

func writeLine(w io.Writer, e ledger.Entry) error {
	l := line{
		Line: e.Line, Address: e.Address, Name: e.Name, Status: e.State, Account: e.Account, Attempts: e.Attempts,
		Stage: e.Stage, Code: e.Code, Enhanced: e.Enhanced, Reply: e.Reply, Class: e.Class, Rule: e.Rule,
		MessageID: e.MessageID, Bytes: e.Bytes, Begun: e.Begun.UTC(), Ended: e.Ended.UTC(), Due: e.Due.UTC(),
		SettledBy: e.SettledBy, SettledAt: e.SettledAt.UTC(), Fields: e.Fields,
	}
	if e.State == ledger.Sent {
		l.SentAt = l.Ended
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(l)
}
