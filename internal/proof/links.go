package proof

import (
	"context"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"hongyan/internal/lint"
	"hongyan/internal/lint/online"
)

// looked is how many recipients' mails are searched for links.
const looked = 1000

// Links are what the mails lead to: the mails of several recipients, because
// conditions may show a link to some of them only.
func (p *Proof) Links(ctx context.Context) ([]online.Link, error) {
	author := p.Edition.Authored()
	var out []online.Link
	rows := 0
	for rcpt, err := range p.Edition.List.Recipients() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		if rows++; rows > looked || len(out) > online.Most {
			break
		}
		if rcpt.Fault != nil {
			continue
		}
		content, err := p.Edition.Content(rcpt)
		if err != nil {
			continue // the rehearsal has told it
		}
		for _, t := range lint.Targets(lint.Mail{HTML: content.HTML, TemplateSource: p.Edition.Markdown}) {
			link := online.Link{URL: t.URL, File: p.Edition.Campaign.Template, Line: t.Line, Personal: !stands(author, t.Text)}
			if !slices.ContainsFunc(out, func(l online.Link) bool { return same(l, link) }) {
				out = append(out, link)
			}
		}
	}
	return out, nil
}

// same tells links that are asked alike: personal ones by their site.
func same(a, b online.Link) bool {
	if a.URL == b.URL || a.Personal != b.Personal || !a.Personal {
		return a.URL == b.URL
	}
	one, err := url.Parse(a.URL)
	other, err2 := url.Parse(b.URL)
	return err == nil && err2 == nil && one.Scheme == other.Scheme && one.Host == other.Host
}

// stands tells whether a link stands in a text whole, with nothing of a
// recipient before or behind it.
func stands(text, link string) bool {
	for rest := text; ; {
		before, after, ok := strings.Cut(rest, link)
		if !ok {
			return false
		}
		behind, _ := utf8.DecodeRuneInString(strings.TrimPrefix(after, "/"))
		ahead, _ := utf8.DecodeLastRuneInString(before)
		if !goesOn(behind) && !goesOn(ahead) {
			return true
		}
		rest = after
	}
}

// goesOn tells what belongs to the same link, or puts a value there.
func goesOn(r rune) bool {
	return r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.~%=&?#+{}@", r))
}

// Domains are where the recipients have their mailboxes, in the order of the list.
func (p *Proof) Domains(ctx context.Context) ([]online.Domain, error) {
	var out []online.Domain
	at := map[string]int{}
	for rcpt, err := range p.Edition.List.Recipients() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		_, name, ok := strings.Cut(rcpt.Address, "@")
		if !ok || rcpt.Fault != nil {
			continue
		}
		i, known := at[name]
		if !known {
			i = len(out)
			at[name] = i
			out = append(out, online.Domain{Name: name, File: filepath.Clean(p.Edition.Campaign.Recipients.File), Line: rcpt.Line})
		}
		out[i].Rows++
	}
	return out, nil
}
