package main

import (
	"encoding/json"
	"time"

	"hongyan/internal/crew/board"
	"hongyan/internal/ledger"
	"hongyan/internal/reply"
	"hongyan/internal/report"
	"hongyan/internal/run"
	"hongyan/internal/sender"
)

// This file is what programs read: every answer of --json but check's, which
// package lint writes. Names are in snake case, times as RFC 3339 says, spans
// in seconds; what there is none of is left out. Names stay, others may come.

func (d *door) answer(v any) error { return json.NewEncoder(d.out).Encode(v) }

type issueAnswer struct {
	Campaign string         `json:"campaign"`
	Issue    string         `json:"issue"`
	Begun    time.Time      `json:"begun,omitzero"`
	Last     time.Time      `json:"last,omitzero"`
	Complete bool           `json:"complete"` // the whole list is in the ledger
	Totals   map[string]int `json:"totals"`
}

func issueOf(i ledger.Issue) issueAnswer {
	return issueAnswer{
		Campaign: i.Campaign, Issue: i.Issue, Begun: i.At, Last: i.Last, Complete: i.Complete, Totals: counts(i.Totals),
	}
}

func issuesOf(all []ledger.Issue) []issueAnswer {
	out := make([]issueAnswer, len(all))
	for i, issue := range all {
		out[i] = issueOf(issue)
	}
	return out
}

type holdAnswer struct {
	Until  time.Time `json:"until,omitzero"`
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
	Rule   string    `json:"rule,omitempty"`
	Reply  string    `json:"reply,omitempty"`
	Human  bool      `json:"human"` // it ends only when a person acts
}

func holdOf(h *ledger.Hold) *holdAnswer {
	if h == nil {
		return nil
	}
	a := &holdAnswer{Since: h.Since, Reason: h.Reason, Rule: h.Rule, Reply: h.Reply, Human: h.Human}
	if !h.Human {
		a.Until = h.Until
	}
	return a
}

type accountAnswer struct {
	Account string      `json:"account"`
	Limits  string      `json:"limits"`
	Day     int         `json:"sent_last_24h"`
	Hold    *holdAnswer `json:"hold,omitempty"`
	Rest    *board.Rest `json:"rest,omitempty"` // by its limits, on a shared ledger
	Learned []string    `json:"learned,omitempty"`
}

func accountsOf(standings []standing) []accountAnswer {
	out := make([]accountAnswer, len(standings))
	for i, s := range standings {
		out[i] = accountAnswer{s.Account, s.Limits, s.Day, holdOf(s.Hold), s.Rest, s.Learned}
	}
	return out
}

type doubtAnswer struct {
	Line    int       `json:"line"`
	Address string    `json:"address"`
	Account string    `json:"account"`
	Begun   time.Time `json:"begun"`
	Stage   string    `json:"stage,omitempty"` // that was reached
	Bytes   int64     `json:"bytes,omitempty"` // handed over, where that is known
	Reply   string    `json:"reply,omitempty"`
	ID      string    `json:"message_id"`
}

func doubtsOf(entries []ledger.Entry) []doubtAnswer {
	out := make([]doubtAnswer, len(entries))
	for i, e := range entries {
		out[i] = doubtAnswer{e.Line, e.Address, e.Account, e.Begun, e.Stage, e.Bytes, e.Reply, e.MessageID}
	}
	return out
}

type settledAnswer struct {
	Settled int `json:"settled"`
}

type galleryAnswer struct {
	Mails int    `json:"mails"`
	Page  string `json:"page"`
}

type versionAnswer struct {
	Version string `json:"version"`
}

type earlyAnswer struct {
	Account string    `json:"account"`
	Until   time.Time `json:"until,omitzero"`
	Why     string    `json:"why"`
	Human   bool      `json:"human"`
}

func earlyOf(early []run.Early) []earlyAnswer {
	out := make([]earlyAnswer, len(early))
	for i, e := range early {
		out[i] = earlyAnswer{e.Account, e.Until, e.Why, e.Human}
	}
	return out
}

type verdictAnswer struct {
	Class     string  `json:"class"`
	Scope     string  `json:"scope"`
	Final     bool    `json:"final"`
	Human     bool    `json:"human"`
	Wait      float64 `json:"wait_seconds"`
	Streak    int     `json:"streak"`
	Reconnect bool    `json:"reconnect"`
	Fewer     bool    `json:"fewer"`
	Rule      string  `json:"rule"`
	Source    string  `json:"source"`
}

func judged(v reply.Verdict) verdictAnswer {
	return verdictAnswer{
		string(v.Class), string(v.Scope), v.Final, v.Human, v.Wait.Seconds(), v.Streak, v.Reconnect, v.Fewer, v.Rule, v.Source,
	}
}

type probeAnswer struct {
	Remote     string            `json:"remote,omitempty"`
	TLS        string            `json:"tls,omitempty"`
	Cipher     string            `json:"cipher,omitempty"`
	Subject    string            `json:"subject,omitempty"`
	Issuer     string            `json:"issuer,omitempty"`
	Names      []string          `json:"names,omitempty"`
	Expires    time.Time         `json:"expires,omitzero"`
	Extensions map[string]string `json:"extensions,omitempty"`
	LoggedIn   bool              `json:"logged_in"`
}

func probeOf(p sender.Probe) probeAnswer { return probeAnswer(p) }

type pathsAnswer struct {
	CSV    string `json:"csv"`
	JSONL  string `json:"jsonl"`
	HTML   string `json:"html"`
	Failed string `json:"failed"`
}

func pathsOf(p report.Paths) pathsAnswer { return pathsAnswer(p) }

type findingAnswer struct {
	Campaign string `json:"campaign,omitempty"`
	Issue    string `json:"issue,omitempty"`
	Line     int    `json:"line,omitempty"`
	What     string `json:"what"`
}

func findingOf(f ledger.Finding) findingAnswer {
	return findingAnswer{f.Campaign, f.Issue, f.Line, f.What}
}

type suppressionAnswer struct {
	Address string    `json:"address"`
	List    string    `json:"list"` // or "all"
	Source  string    `json:"source"`
	Reason  string    `json:"reason,omitempty"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
}

func suppressedOf(s ledger.Suppression) suppressionAnswer {
	return suppressionAnswer{s.Address, listShown(s.List), string(s.Source), s.Reason, s.By, s.At}
}

type addedAnswer struct {
	Added int `json:"added"`
	Known int `json:"known"` // were suppressed already
}

type removedAnswer struct {
	Removed int `json:"removed"`
	Unknown int `json:"unknown"` // were not suppressed there
}
