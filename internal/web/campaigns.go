package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"

	"hongyan/internal/ledger"
)

// A slot is a time at which an issue is due.
type slot struct {
	Campaign string
	At       time.Time
}

// coming are the next slots of all campaigns, the first first.
func coming(campaigns []Campaign) (out []slot) {
	for _, c := range campaigns {
		if len(c.Next) > 0 {
			out = append(out, slot{c.Name, c.Next[0]})
		}
	}
	slices.SortStableFunc(out, func(a, b slot) int { return a.At.Compare(b.At) })
	return out
}

func faulty(campaigns []Campaign) (out []Campaign) {
	for _, c := range campaigns {
		if len(c.Faults) > 0 {
			out = append(out, c)
		}
	}
	return out
}

func (s *Server) campaignsPage(r *http.Request) (view, error) {
	campaigns, err := s.Desk.Campaigns(r.Context())
	return view{Page: "campaigns", Title: "Campaigns", Data: campaigns}, err
}

// A campaignView is a campaign with its issues.
type campaignView struct {
	Campaign
	Issues []progress
}

func (s *Server) campaign(ctx context.Context, name string) (Campaign, error) {
	campaigns, err := s.Desk.Campaigns(ctx)
	if err != nil {
		return Campaign{}, err
	}
	for _, c := range campaigns {
		if c.Name == name {
			return c, nil
		}
	}
	return Campaign{}, ErrUnknown
}

func (s *Server) campaignPage(r *http.Request) (view, error) {
	c, err := s.campaign(r.Context(), r.PathValue("campaign"))
	if err != nil {
		return view{}, err
	}
	issues, err := s.issues(r.Context())
	if err != nil {
		return view{}, err
	}
	jobs, err := s.Desk.Jobs(r.Context())
	if err != nil {
		return view{}, err
	}
	v := campaignView{Campaign: c}
	for _, issue := range issues {
		if issue.Campaign == c.Name {
			v.Issues = append(v.Issues, progress{jobOf(jobs, issue.Key), issue.Totals})
		}
	}
	return view{Page: "campaign", Here: "campaigns", Heading: c.Name, Data: v}, nil
}

// jobOf is the issue's job; one without a standing when it is not on the floor.
func jobOf(jobs []Job, k ledger.Key) Job {
	at := slices.IndexFunc(jobs, func(j Job) bool { return j.Key == k })
	if at < 0 {
		return Job{Key: k}
	}
	return jobs[at]
}

func (s *Server) draftPage(r *http.Request) (view, error) {
	draft, err := s.Desk.Draft(r.Context(), keyOf(r))
	return view{Page: "draft", Here: "campaigns", Heading: draft.Key.Campaign, Data: draft}, err
}

// A previewView is one recipient's mail, in one of its forms.
type previewView struct {
	Mail
	Key ledger.Key
	As  string // html, text or source
}

func (s *Server) previewPage(r *http.Request) (view, error) {
	mail, err := s.mail(r)
	if err != nil {
		return view{}, err
	}
	v := previewView{Mail: mail, Key: keyOf(r), As: "html"}
	if as := r.FormValue("as"); as == "text" || as == "source" {
		v.As = as
	}
	return view{Page: "preview", Here: "campaigns", Heading: v.Key.Campaign, Data: v}, nil
}

func (s *Server) mail(r *http.Request) (Mail, error) {
	n, err := strconv.Atoi(r.FormValue("n"))
	if err != nil || n < 1 {
		n = 1
	}
	return s.Desk.Preview(r.Context(), keyOf(r), n)
}

// letterPolicy lets a mail be seen and nothing else: it can neither run nor
// fetch anything, and reaches nobody by its links.
const letterPolicy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; " +
	"form-action 'none'; frame-ancestors 'self'; base-uri 'none'; sandbox"

// letter is the mail itself, to be shown in a frame.
func (s *Server) letter(w http.ResponseWriter, r *http.Request) {
	mail, err := s.mail(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Security-Policy", letterPolicy)
	w.Header().Set("X-Frame-Options", "SAMEORIGIN")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write([]byte(mail.HTML)) // who has gone reads nothing
}
