package main

import (
	"strings"

	"hongyan/internal/list"
	"hongyan/internal/message"
	"hongyan/internal/render"
	"hongyan/internal/run"
)

// readInvite parses the templates of the event that the campaign invites to.
func (e *edition) readInvite(parse func(line int, src string) *render.Line) {
	v := e.camp.Invite
	if v == nil {
		return
	}
	at := func(key string) int { return e.camp.Lines["invite."+key] }
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
		e.invite.Organizer = mailbox(name, address)
	}
}

// invitation is the event as the press takes it. A recipient's event has one
// name in all issues of the campaign: an issue with method: cancel calls off
// what the one before invited to.
func (e *edition) invitation(key []byte) *run.Invite {
	if e.invite == nil {
		return nil
	}
	v := *e.invite
	v.UID = func(address string) string {
		return message.ID(key, e.key.Campaign, "any issue, as an event", address, "hongyan")
	}
	return &v
}

func (e *edition) inviteLines() []*render.Line {
	if e.invite == nil {
		return nil
	}
	return append([]*render.Line{e.invite.Start, e.invite.End, e.invite.Summary, e.invite.Location}, e.invite.Description...)
}
