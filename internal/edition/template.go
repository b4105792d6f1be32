package edition

import (
	"maps"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hongyan/internal/campaign"
	"hongyan/internal/fault"
	"hongyan/internal/list"
	"hongyan/internal/render"
	"hongyan/internal/run"
)

// names is what the templates may name.
func (e *Edition) names(columns []string) render.Names {
	out := render.Names{Columns: columns, Downloads: e.downloads()}
	if len(e.Campaign.Data) > 0 {
		out.Data = e.Fresh.Values
	}
	return out
}

// hidden refuses a column that templates would look for in vain.
func (e *Edition) hidden(columns []string) *fault.Fault {
	if len(e.Campaign.Data) == 0 || !slices.Contains(columns, "data") {
		return nil
	}
	return fault.At(e.Campaign.File, e.Campaign.Lines["data"], "the list has a column data, which .data would hide").
		Hinted("rename the column")
}

func (e *Edition) source(names render.Names) render.Source {
	camp := e.Campaign
	theme := map[string]string{}
	maps.Copy(theme, e.settings.Theme)
	maps.Copy(theme, camp.Theme)
	return render.Source{
		Template: camp.Template, Layout: camp.Layout, Subject: camp.Subject,
		SubjectFile: camp.File, SubjectLine: camp.Lines["subject"],
		Preheader: camp.Preheader, PreheaderLine: camp.Lines["preheader"], Lines: camp.Lines,
		Root: e.library(), Names: names, Theme: theme, Links: camp.Links,
		Unsubscribe: e.settings.Unsubscribe.URL != "",
	}
}

// library is the folder of layouts and partials: the template's own if it has
// any, else the one for all, else only what ships.
func (e *Edition) library() string {
	for _, dir := range libraries(e.Campaign, e.settings) {
		for _, sub := range []string{"layouts", "partials"} {
			if info, err := os.Stat(filepath.Join(dir, sub)); err == nil && info.IsDir() {
				return dir
			}
		}
	}
	return ""
}

func libraries(camp *campaign.Campaign, s Settings) []string {
	out := []string{filepath.Dir(camp.Template)}
	if s.Templates != "" {
		out = append(out, s.Templates)
	}
	return out
}

// readLines parses the templates of one line: attachments, headers and the event.
func (e *Edition) readLines(names render.Names) error {
	var faults fault.Faults
	parse := func(line int, src string) *render.Line {
		l, err := render.ParseLine(e.Campaign.File, line, src, names)
		faults = append(faults, fault.In(err)...)
		return l
	}
	for _, a := range e.Campaign.Carried() {
		attachment := run.Attachment{File: parse(a.Line, a.File)}
		if a.Name != "" {
			attachment.Name = parse(a.Line, a.Name)
		}
		e.attachments = append(e.attachments, attachment)
	}
	for _, h := range e.Campaign.Headers {
		e.headers = append(e.headers, run.Header{Name: h.Name, Value: parse(h.Line, h.Value)})
	}
	e.readInvite(parse)
	return faults.Err()
}

// readInvite parses the templates of the event that the campaign invites to.
func (e *Edition) readInvite(parse func(line int, src string) *render.Line) {
	v := e.Campaign.Invite
	if v == nil {
		return
	}
	at := func(key string) int { return e.Campaign.Lines["invite."+key] }
	e.invite = &run.Invite{
		Start: parse(at("start"), v.Start), End: parse(at("end"), v.End), Summary: parse(at("summary"), v.Summary),
		Times: v.Times, Method: v.Method, Sequence: v.Sequence,
	}
	if v.Location != "" {
		e.invite.Location = parse(at("location"), v.Location)
	}
	for text := range strings.Lines(v.Description) {
		e.invite.Description = append(e.invite.Description, parse(at("description"), strings.TrimRight(text, "\r\n")))
	}
	if address, name, _, f := list.ParseAddress(v.Organizer); v.Organizer != "" && f == nil {
		e.invite.Organizer = mail.Address{Name: name, Address: address}
	}
}

// Used are the columns that the campaign makes something of.
func (e *Edition) Used() []string {
	used := append(e.Template.Columns(), e.List.Assumed().EmailColumn)
	for _, l := range e.lines() {
		if l != nil {
			used = append(used, l.Columns()...)
		}
	}
	for _, column := range e.List.Columns() {
		if strings.Contains(e.Campaign.Recipients.Where, column) {
			used = append(used, column)
		}
	}
	slices.Sort(used)
	return slices.Compact(used)
}

// lines are all templates of one line; nil where one is left out.
func (e *Edition) lines() (out []*render.Line) {
	for _, a := range e.attachments {
		out = append(out, a.File, a.Name)
	}
	for _, h := range e.headers {
		out = append(out, h.Value)
	}
	if v := e.invite; v != nil {
		out = append(append(out, v.Start, v.End, v.Summary, v.Location), v.Description...)
	}
	return out
}

// Attached are the names of a recipient's attachments.
func (e *Edition) Attached(fields map[string]string) (out []string, err error) {
	for _, a := range e.attachments {
		name, err := a.File.Render(fields)
		if err == nil && a.Name != nil {
			name, err = a.Name.Render(fields)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, filepath.Base(name))
	}
	return out, nil
}
