package api

import (
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/web"
)

// This file is what programs read. Names are in snake case, times as RFC 3339
// says, spans in seconds; what there is none of is left out.

type faultShape struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
	What string `json:"what"`
	Hint string `json:"hint,omitempty"`
}

func faultsOf(all fault.Faults) []faultShape {
	out := make([]faultShape, len(all))
	for i, f := range all {
		out[i] = faultShape{f.File, f.Line, f.What.String(), f.Hint.String()}
	}
	return out
}

type campaignShape struct {
	Name       string       `json:"name"`
	File       string       `json:"file"`
	Subject    string       `json:"subject"`
	List       string       `json:"list"`
	Recipients string       `json:"recipients_file"`
	Accounts   []string     `json:"accounts"`
	Schedule   string       `json:"schedule,omitempty"`
	Next       []time.Time  `json:"next"`
	Faults     []faultShape `json:"faults"`
}

func campaignOf(c web.Campaign) campaignShape {
	return campaignShape{
		c.Name, c.File, c.Subject, c.List, c.Recipients, append([]string{}, c.Accounts...), c.Schedule,
		append([]time.Time{}, c.Next...), faultsOf(c.Faults),
	}
}

type findingShape struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Place    string `json:"place,omitempty"`
	What     string `json:"what"`
	Hint     string `json:"hint,omitempty"`
}

func findingsOf(all []web.Finding) []findingShape {
	out := make([]findingShape, len(all))
	for i, f := range all {
		out[i] = findingShape{f.Rule, f.Severity, f.Place, f.What.String(), f.Hint.String()}
	}
	return out
}

type draftShape struct {
	Campaign   string         `json:"campaign"`
	Issue      string         `json:"issue"`
	Recipients int            `json:"recipients"`
	Open       int            `json:"open"`
	Unfit      int            `json:"unfit"`
	Takes      float64        `json:"takes_seconds"`
	List       string         `json:"list"`
	Notes      []string       `json:"notes"`
	Changed    []string       `json:"changed"`
	Findings   []findingShape `json:"findings"`
	Faults     []faultShape   `json:"faults"`
}

func draftOf(d web.Draft) draftShape {
	return draftShape{
		d.Key.Campaign, d.Key.Issue, d.Recipients, d.Open, d.Unfit, seconds(d.Takes), d.List.String(), texts(d.Notes),
		append([]string{}, d.Changed...), findingsOf(d.Findings), faultsOf(d.Faults),
	}
}

type mailShape struct {
	N           int            `json:"n"`
	Of          int            `json:"of"`
	Line        int            `json:"line"`
	Address     string         `json:"address"`
	Name        string         `json:"name,omitempty"`
	From        string         `json:"from"`
	Subject     string         `json:"subject"`
	HTML        string         `json:"html"`
	Text        string         `json:"text"`
	Source      string         `json:"source"`
	Size        int64          `json:"size"`
	Attachments []string       `json:"attachments"`
	Findings    []findingShape `json:"findings"`
	Unfit       string         `json:"unfit,omitempty"`
}

func mailOf(m web.Mail) mailShape {
	return mailShape{
		m.N, m.Of, m.Line, m.Address, m.Name, m.From, m.Subject, m.HTML, m.Text, m.Source, m.Size,
		append([]string{}, m.Attachments...), findingsOf(m.Findings), m.Unfit.String(),
	}
}

type issueShape struct {
	Campaign string         `json:"campaign"`
	Issue    string         `json:"issue"`
	Begun    time.Time      `json:"begun"`
	Last     time.Time      `json:"last,omitzero"`
	Complete bool           `json:"complete"`
	Standing string         `json:"standing,omitempty"` // left out when it is not on the floor
	Until    time.Time      `json:"until,omitzero"`
	Why      string         `json:"why,omitempty"`
	Takes    float64        `json:"takes_seconds,omitempty"`
	Rows     int            `json:"recipients"`
	Totals   map[string]int `json:"totals"`
}

func issueOf(i ledger.Issue, jobs []web.Job) issueShape {
	out := issueShape{Campaign: i.Campaign, Issue: i.Key.Issue, Begun: i.At, Last: i.Last, Complete: i.Complete, Rows: i.Rows, Totals: countsOf(i.Totals)}
	for _, j := range jobs {
		if j.Key == i.Key {
			out.Standing, out.Until, out.Why, out.Takes = j.Standing, j.Until, j.Why.String(), seconds(j.Takes)
		}
	}
	return out
}

func countsOf(t ledger.Totals) map[string]int {
	out := map[string]int{}
	for _, s := range ledger.States() {
		out[string(s)] = t.Of(s)
	}
	return out
}

type momentShape struct {
	At     time.Time      `json:"at"`
	Step   float64        `json:"step_seconds"`
	Totals map[string]int `json:"totals"`
}

type entryShape struct {
	ID        int64             `json:"id"`
	Line      int               `json:"line"`
	Address   string            `json:"address"`
	Name      string            `json:"name,omitempty"`
	Fields    map[string]string `json:"fields,omitempty"`
	State     string            `json:"state"`
	Account   string            `json:"account,omitempty"`
	Attempts  int               `json:"attempts"`
	MessageID string            `json:"message_id,omitempty"`
	Begun     time.Time         `json:"begun,omitzero"`
	Ended     time.Time         `json:"ended,omitzero"`
	Due       time.Time         `json:"due,omitzero"`
	answerShape
	Earlier []attemptShape `json:"earlier,omitempty"`
}

type answerShape struct {
	Stage    string `json:"stage,omitempty"`
	Code     int    `json:"code,omitempty"`
	Enhanced string `json:"enhanced,omitempty"`
	Reply    string `json:"reply,omitempty"`
	Class    string `json:"class,omitempty"`
	Rule     string `json:"rule,omitempty"`
}

type attemptShape struct {
	Account string    `json:"account"`
	Begun   time.Time `json:"begun,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	answerShape
}

func entryOf(e ledger.Entry) entryShape {
	return entryShape{
		ID: e.ID, Line: e.Line, Address: e.Address, Name: e.Name, Fields: e.Fields, State: string(e.State), Account: e.Account,
		Attempts: e.Attempts, MessageID: e.MessageID, Begun: e.Begun, Ended: e.Ended, Due: e.Due,
		answerShape: answerShape{e.Stage, e.Code, e.Enhanced, e.Reply, e.Class, e.Rule},
	}
}

func attemptsOf(all []ledger.Attempt) []attemptShape {
	out := make([]attemptShape, len(all))
	for i, a := range all {
		out[i] = attemptShape{a.Account, a.Begun, a.Ended, answerShape{a.Stage, a.Code, a.Enhanced, a.Reply, a.Class, a.Rule}}
	}
	return out
}

type windowShape struct {
	Name string `json:"name"`
	Used int    `json:"used"`
	Max  int    `json:"max"`
}

type holdShape struct {
	Until  time.Time `json:"until,omitzero"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
	Rule   string    `json:"rule,omitempty"`
	Reply  string    `json:"reply,omitempty"`
	Human  bool      `json:"human"` // it ends only when a person acts
}

type accountShape struct {
	Name     string        `json:"name"`
	Provider string        `json:"provider"`
	Address  string        `json:"address"`
	Limits   []string      `json:"limits"`
	Windows  []windowShape `json:"windows"`
	Learned  []string      `json:"learned"`
	Pace     float64       `json:"pace"`
	Next     time.Time     `json:"next,omitzero"`
	Hold     *holdShape    `json:"hold,omitempty"`
}

func accountOf(a web.Account) accountShape {
	out := accountShape{
		Name: a.Name, Provider: a.Provider, Address: a.Address, Limits: texts(a.Limits), Windows: []windowShape{},
		Learned: texts(a.Learned), Pace: a.Pace, Next: a.Next,
	}
	for _, w := range a.Windows {
		out.Windows = append(out.Windows, windowShape(w))
	}
	if h := a.Hold; h != nil {
		out.Hold = &holdShape{h.Until, h.Since, h.Reason, h.Rule, h.Reply, h.Human}
	}
	return out
}

type crewShape struct {
	Workers []workerShape `json:"workers"`
	Queue   []queueShape  `json:"queue"`
	Depth   int           `json:"depth"`
	Lag     float64       `json:"lag_seconds"`
}

type workerShape struct {
	Name     string    `json:"name"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	Works    bool      `json:"works"`
	Alive    bool      `json:"alive"`
	Accounts []string  `json:"accounts"`
}

type queueShape struct {
	Campaign string    `json:"campaign"`
	Issue    string    `json:"issue"`
	Account  string    `json:"account,omitempty"`
	Due      int       `json:"due"`
	Since    time.Time `json:"since"`
	Paused   bool      `json:"paused"`
}

func crewOf(c *web.Crew) crewShape {
	out := crewShape{Workers: []workerShape{}, Queue: []queueShape{}}
	if c == nil {
		return out
	}
	for _, w := range c.Workers {
		out.Workers = append(out.Workers, workerShape{w.Name, w.Since, w.Until, w.Works, w.Alive, append([]string{}, w.Accounts...)})
	}
	for _, q := range c.Queue {
		out.Queue = append(out.Queue, queueShape{q.Key.Campaign, q.Key.Issue, q.Account, q.Due, q.Since, q.Paused})
	}
	out.Depth, out.Lag = c.Depth(), seconds(c.Lag())
	return out
}

type probeShape struct {
	Remote     string    `json:"remote,omitempty"`
	TLS        string    `json:"tls,omitempty"`
	Cipher     string    `json:"cipher,omitempty"`
	Names      []string  `json:"names,omitempty"`
	Expires    time.Time `json:"expires,omitzero"`
	Extensions []string  `json:"extensions,omitempty"`
	LoggedIn   bool      `json:"logged_in"`
	Failed     string    `json:"failed,omitempty"`
	Means      []string  `json:"means"`
}

func probeOf(p web.Probe) probeShape {
	return probeShape{p.Remote, p.TLS, p.Cipher, p.Names, p.Expires, p.Extensions, p.LoggedIn, p.Failed, texts(p.Means)}
}

type suppressionShape struct {
	Address string    `json:"address"`
	List    string    `json:"list"` // "" = of all lists
	Source  string    `json:"source"`
	Reason  string    `json:"reason,omitempty"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

type actShape struct {
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	What     string    `json:"what"`
	Campaign string    `json:"campaign,omitempty"`
	Issue    string    `json:"issue,omitempty"`
	About    string    `json:"about,omitempty"`
	Note     string    `json:"note,omitempty"`
}
