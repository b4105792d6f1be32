package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"slices"
	"strings"
	"time"

	"hongyan/internal/campaign/watch"
	"hongyan/internal/config"
	"hongyan/internal/edition/fresh"
	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/list"
	"hongyan/internal/message"
	"hongyan/internal/office"
	"hongyan/internal/pace"
	"hongyan/internal/preview"
	"hongyan/internal/proof"
	"hongyan/internal/reply"
	"hongyan/internal/run"
	"hongyan/internal/web"
)

// This file is what the dashboard shows and tries of single mails.

// Preview composes the mail of the list's n-th recipient. See [web.Files].
func (d desk) Preview(ctx context.Context, k ledger.Key, n int) (web.Mail, error) {
	f, k, err := d.pick(k)
	if err != nil {
		return web.Mail{}, err
	}
	d.glass.eye.Lock()
	defer d.glass.eye.Unlock()
	e, err := d.sight(ctx, f, k)
	if err != nil {
		return web.Mail{}, refusalOf(err)
	}
	r, of, err := nth(ctx, e, n)
	if err != nil {
		return web.Mail{}, err
	}
	mailing, err := e.glance()
	if err != nil {
		return web.Mail{}, err
	}
	return d.show(e, mailing, r, n, of)
}

// A sight is the edition that was previewed last, and what its files were then:
// reading a long list for each of its mails would take too long.
type sight struct {
	*dispatch
	source []byte
	stamps []string
	at     time.Time
}

// sight opens an edition, or returns the one that was looked at last if nothing
// of it has changed. What it reads from the network is as old as a minute at most.
func (d desk) sight(ctx context.Context, f watch.Entry, k ledger.Key) (*dispatch, error) {
	if last := d.glass.seen; last != nil {
		if last.Key == k && bytes.Equal(last.source, f.Source) && time.Since(last.at) < time.Minute && slices.Equal(last.stamps, stampsOf(last.dispatch)) {
			return last.dispatch, nil
		}
		d.glass.seen = nil
		last.Close()
	}
	e, err := d.door.openWritten(ctx, f.File, f.Source, k.Issue, fresh.ToPreview)
	if err != nil {
		return nil, err
	}
	d.glass.seen = &sight{dispatch: e, source: f.Source, stamps: stampsOf(e), at: time.Now()}
	return e, nil
}

// stampsOf are size and time of everything that an edition's mails are made of.
func stampsOf(e *dispatch) (out []string) {
	for _, file := range e.Files() {
		if info, err := os.Stat(file); err == nil {
			out = append(out, fmt.Sprint(file, info.Size(), info.ModTime()))
		}
	}
	return out
}

// close ends what is looked at.
func (g *glass) close() {
	g.eye.Lock()
	defer g.eye.Unlock()
	if g.seen != nil {
		g.seen.Close()
		g.seen = nil
	}
}

// nth is the n-th row of the list, and how many there are.
func nth(ctx context.Context, e *dispatch, n int) (found list.Recipient, of int, err error) {
	for r, err := range e.List.Recipients() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return found, of, err
		}
		if of++; of == n {
			found = r
		}
		if of >= n {
			break
		}
	}
	if of < n {
		return found, of, web.ErrUnknown
	}
	return found, e.Survey.Rows, nil
}

func (d desk) show(e *dispatch, m *run.Mailing, r list.Recipient, n, of int) (web.Mail, error) {
	out := web.Mail{N: n, Of: of, Line: r.Line, Address: r.Address, Name: r.Name, From: e.accounts[0].Address}
	shown, err := d.door.previewMail(e, m, r, time.Now())
	if faults := fault.In(err); faults != nil {
		out.Unfit = faults[0].What
		return out, nil
	}
	if err != nil {
		out.Unfit = proof.Reason(err)
		return out, nil
	}
	defer shown.Message.Release()
	if out.HTML, err = inlined(shown); err != nil {
		return out, err
	}
	if out.Attachments, err = e.Attached(r.Fields); err != nil {
		return out, err
	}
	out.Subject, out.Text, out.Size, out.Source = shown.Subject, string(shown.Text), shown.Message.Size(), asWritten(shown.Message)
	out.Findings = findings(e.proof.Look(r, shown.Message))
	return out, nil
}

// inlined is the HTML with its images in it.
func inlined(m preview.Mail) (string, error) {
	html := string(m.HTML)
	for _, image := range m.Images {
		data := image.Data
		if image.File != "" {
			var err error
			if data, err = os.ReadFile(image.File); err != nil {
				return "", err
			}
		}
		html = strings.ReplaceAll(html, "cid:"+image.CID, "data:"+image.Type+";base64,"+base64.StdEncoding.EncodeToString(data))
	}
	return html, nil
}

// mostSource is how much of a mail's source is shown.
const mostSource = 256 << 10

// asWritten is a mail as it would be sent, as much as is shown of it.
func asWritten(m *message.Message) string {
	var b strings.Builder
	for _, piece := range m.Wire() {
		if room := mostSource - b.Len(); len(piece) > room {
			b.Write(piece[:room])
			break
		}
		b.Write(piece)
	}
	return b.String()
}

// How long the answer to a test is waited for: mails whose turn is later are not
// begun with, and a server that is slow with them is not waited for.
const (
	prompt = 30 * time.Second
	latest = 50 * time.Second
)

// Test sends chosen rows' mails to a person's own addresses. See
// [web.Corrections].
func (d desk) Test(ctx context.Context, k ledger.Key, t web.Test) (sent int, err error) {
	f, k, err := d.pick(k)
	if err != nil {
		return 0, err
	}
	e, err := d.door.openWritten(ctx, f.File, f.Source, k.Issue, fresh.ToTest)
	if err != nil {
		return 0, refusalOf(err)
	}
	defer e.Close()
	mails, err := d.testMails(ctx, e, t)
	if err != nil {
		return 0, err
	}
	w, err := d.way(ctx, e.accounts[0])
	if err != nil {
		return 0, &web.Refusal{Why: proof.Reason(err)}
	}
	patient, end := context.WithTimeout(ctx, latest)
	defer end()
	aside := d.floor.aside(patient, w, func() {
		if err = d.soon(patient, w, e.accounts[0], len(mails)); err == nil {
			err = d.deliverTest(patient, w, tests{mails: mails, waits: func(time.Time, string) {}, sent: func(*message.Message) { sent++ }})
		}
	})
	if broke(patient, aside) || ctx.Err() != nil || errors.Is(err, ledger.ErrBroken) {
		return sent, cmp.Or(aside, err)
	}
	if err = cmp.Or(aside, err); err == nil {
		return sent, nil
	}
	why := d.undelivered(w, err)
	if sent > 0 {
		why = fault.Textf("%d of %d test mails went out; then: %s", sent, len(mails), why)
	}
	return sent, &web.Refusal{Why: why}
}

// testMails are the mails of a test; that there are none is said.
func (d desk) testMails(ctx context.Context, e *dispatch, t web.Test) ([]*message.Message, error) {
	to, err := d.testers(t.To)
	if err != nil {
		return nil, err
	}
	mails, err := d.door.testMails(ctx, e, t.Rows, to)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && fault.In(err) == nil:
		return nil, &web.Refusal{Why: fault.Textf("%s", err.Error())}
	case err != nil:
		return nil, refusalOf(err)
	case len(mails) == 0:
		return nil, &web.Refusal{Why: fault.Textf("the list has no such rows")}
	}
	return mails, nil
}

// soon reports whether so many mails may leave while a person waits for it.
func (d desk) soon(ctx context.Context, w *way, account config.Account, n int) error {
	if err := d.near(ctx, w); err != nil {
		return err
	}
	now := time.Now()
	if at, why := w.pacer.Next(now, ""); at.Sub(now) > prompt {
		return &notNow{run.Early{Account: account.Name, Until: at, Why: why}}
	}
	lane, err := d.forecast(ctx, account, w.pacer.State())
	if err != nil {
		return err
	}
	if takes := pace.Forecast(n, "", now, []pace.Lane{lane}); takes > prompt {
		return &web.Refusal{Why: fault.Textf("the last of %d mails could not leave before %s: account %s keeps %s; choose fewer rows",
			n, stamp(now.Add(takes)), account.Name, account.Limits.String())}
	}
	return nil
}

// broke reports whether an errand could not be begun for a reason that no person
// can do anything about.
func broke(ctx context.Context, aside error) bool {
	_, refused := errors.AsType[*web.Refusal](aside)
	return aside != nil && !refused && !errors.Is(aside, office.ErrShut) && ctx.Err() == nil
}

// undelivered is why a test did not leave.
func (d desk) undelivered(w *way, err error) fault.Text {
	refusal, isRefusal := errors.AsType[*web.Refusal](err)
	refused, isRefused := errors.AsType[*reply.Refusal](err)
	early, isEarly := errors.AsType[*notNow](err)
	switch {
	case isRefusal:
		return refusal.Why
	case isRefused:
		return fault.Textf("refused: %s", refused.Error())
	case isEarly:
		return early.text()
	case errors.Is(err, office.ErrShut) || errors.Is(err, context.Canceled):
		return fault.Textf("hongyan is stopping")
	case errors.Is(err, context.DeadlineExceeded):
		return fault.Textf("account %s took too long; try again in a minute", w.lane.Account)
	}
	return proof.Reason(err)
}

func (d desk) testers(values []string) (out []mail.Address, err error) {
	for _, value := range values {
		address, name, _, f := list.ParseAddress(value)
		if f != nil {
			return nil, &web.Refusal{Why: fault.Textf("%s: %s", value, f.What)}
		}
		out = append(out, mailbox(name, address))
	}
	if len(out) == 0 {
		return nil, &web.Refusal{Why: fault.Textf("say to which address")}
	}
	return out, nil
}

// refusalOf says the first fault to the person; any other error is a breakdown.
func refusalOf(err error) error {
	faults := fault.In(err)
	if faults == nil {
		return err
	}
	first := faults.Sorted()[0]
	if first.File == "" {
		return &web.Refusal{Why: first.What}
	}
	return &web.Refusal{Why: fault.Textf("%s: %s", first.Place(), first.What)}
}
