// Package notice tells the operator what happened, by webhook: generic JSON, or
// the robots of WeCom (企业微信), DingTalk (钉钉) and Feishu (飞书). Whoever tells
// otherwise, by mail say, is a [Receiver] from elsewhere.
//
// Notices wait in a bounded queue, so that nobody waits for a receiver, and each
// is tried a few times. The address of a webhook is a secret, and it reaches
// nothing that is not public unless that was asked for. The room must never know
// the ledger, mails or the words of a notice: it is given them.
package notice

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// News are what notices can be about.
func News() []string { return []string{IssueEnded, IssueStopped, AccountHeld, SlotFailed} }

const (
	IssueEnded   = "issue-ended"   // nothing is left to send
	IssueStopped = "issue-stopped" // it cannot go on before a person has acted
	AccountHeld  = "account-held"  // a server's word keeps the account silent
	SlotFailed   = "slot-failed"   // an issue was due and could not be begun
)

// A Notice is one piece of news.
type Notice struct {
	On    string // one of News
	Title string // a line
	Text  string // the rest, in lines
	At    time.Time
	Facts Facts
}

// Facts are a notice for programs; what it is not about is empty.
type Facts struct {
	Campaign string         `json:"campaign,omitempty"`
	Issue    string         `json:"issue,omitempty"`
	Account  string         `json:"account,omitempty"`
	Totals   map[string]int `json:"totals,omitempty"`
	Until    time.Time      `json:"until,omitzero"`
	Reason   string         `json:"reason,omitempty"`
}

// plain is a notice as people read it.
func (n Notice) plain() string { return n.Title + "\n" + n.Text }

// generic is a notice as programs read it.
func (n Notice) generic() ([]byte, error) {
	return json.Marshal(struct {
		Event string    `json:"event"`
		Title string    `json:"title"`
		Text  string    `json:"text"`
		At    time.Time `json:"at"`
		Facts
	}{n.On, n.Title, n.Text, n.At.UTC(), n.Facts})
}

// A Receiver is one place where notices go. Send returns when the notice was
// taken or cannot be delivered; it ends with ctx.
type Receiver interface {
	Send(ctx context.Context, n Notice) error
}

// A Subscription is who is told, and of what.
type Subscription struct {
	Name, Kind string // as the user calls it, and "mail" or a kind of webhook
	On         []string
	Receiver
}

const (
	backlog = 256              // notices that wait
	last    = 30 * time.Second // for what is left at the end
	again   = time.Hour        // before the same news are told again
)

// A Herald hands notices to all who want them.
type Herald struct {
	subscriptions []Subscription
	told          func(Subscription, error)
	queue         chan Notice

	mu     sync.Mutex // guards the fields below
	lately map[string]time.Time
	missed int64
}

// NewHerald makes a herald; told is given the result of every notice.
func NewHerald(subscriptions []Subscription, told func(Subscription, error)) *Herald {
	return &Herald{subscriptions: subscriptions, told: told, queue: make(chan Notice, backlog), lately: map[string]time.Time{}}
}

// Tell takes up a notice and returns at once. The same news within an hour, such
// as of an account that is held again and again, are told once; an issue that stops
// again for another reason is news, since a person has acted in between.
func (h *Herald) Tell(n Notice) {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := n.On + "\x00" + n.Title
	if n.On == IssueStopped {
		key += "\x00" + n.Facts.Reason
	}
	if before, ok := h.lately[key]; ok && n.At.Sub(before) < again {
		return
	}
	for k, at := range h.lately {
		if n.At.Sub(at) >= again {
			delete(h.lately, k)
		}
	}
	h.lately[key] = n.At
	select {
	case h.queue <- n:
	default:
		h.missed++
	}
}

// Missed is how many notices found no room.
func (h *Herald) Missed() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.missed
}

// Run hands notices on until ctx ends, and then what is left, within half a minute.
func (h *Herald) Run(ctx context.Context) {
	bounded, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(last, cancel) })
	defer stop()
	for {
		select {
		case n := <-h.queue:
			h.hand(bounded, n)
			continue
		default:
		}
		select {
		case n := <-h.queue:
			h.hand(bounded, n)
		case <-ctx.Done():
			if len(h.queue) == 0 {
				return
			}
		}
	}
}

// hand gives a notice to all who want it, at the same time.
func (h *Herald) hand(ctx context.Context, n Notice) {
	var all sync.WaitGroup
	for _, s := range h.subscriptions {
		if s.wants(n.On) {
			all.Go(func() { h.told(s, s.Send(ctx, n)) })
		}
	}
	all.Wait()
}

// wants reports whether news are subscribed to; without a choice all are.
func (s Subscription) wants(on string) bool {
	return len(s.On) == 0 || slices.Contains(s.On, on)
}
