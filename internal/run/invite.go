package run

import (
	"fmt"
	"net/mail"
	"strings"
	"time"

	"hongyan/internal/message"
	"hongyan/internal/render"
)

// An Invite is the event that the mails invite to. What is a template may differ
// from recipient to recipient; Location may be nil.
type Invite struct {
	Start, End, Summary, Location *render.Line
	Description                   []*render.Line // one for each line
	// Times reads what Start and End became.
	Times     func(start, end string) (from, to time.Time, err error)
	Organizer mail.Address // zero: the sender
	Method    string
	Sequence  int
	// UID names the event of one recipient, the same in every issue, so that a
	// change or a cancellation finds its way in the calendar.
	UID func(address string) string
}

// of makes the invitation of one recipient; nil if there is none.
func (v *Invite) of(address string, fields map[string]string) (*message.Invite, error) {
	if v == nil {
		return nil, nil
	}
	out := &message.Invite{UID: v.UID(address), Organizer: v.Organizer, Method: v.Method, Sequence: v.Sequence}
	var start, end string
	for _, part := range []struct {
		name string
		line *render.Line
		into *string
	}{{"start", v.Start, &start}, {"end", v.End, &end}, {"summary", v.Summary, &out.Summary}, {"location", v.Location, &out.Location}} {
		if part.line == nil {
			continue
		}
		var err error
		if *part.into, err = part.line.Render(fields); err != nil {
			return nil, fmt.Errorf("invitation, %s: %w", part.name, err)
		}
	}
	var err error
	if out.Start, out.End, err = v.Times(start, end); err != nil {
		return nil, fmt.Errorf("invitation: %w", err)
	}
	out.Description, err = v.description(fields)
	return out, err
}

func (v *Invite) description(fields map[string]string) (string, error) {
	lines := make([]string, len(v.Description))
	for i, line := range v.Description {
		var err error
		if lines[i], err = line.Render(fields); err != nil {
			return "", fmt.Errorf("invitation, description: %w", err)
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n")), nil
}
