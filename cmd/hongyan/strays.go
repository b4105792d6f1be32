package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/web"
)

// This file is what the service does about issues that were under way and whose
// campaign is gone from the folder, or has had faults since the service began.

// strays are the issues that go on once their campaign is good.
type strays struct {
	back chan struct{} // cap 1: the folder has changed

	mu   sync.Mutex // guards keys
	keys []ledger.Key
}

func (s *strays) all() []ledger.Key {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.keys)
}

func (s *strays) are(keys []ledger.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

// setApart finds the strays among the issues and says so.
func (s *service) setApart(ctx context.Context, issues []ledger.Issue) error {
	paused, err := s.office.Paused(ctx)
	if err != nil {
		return err
	}
	var keys []ledger.Key
	for _, issue := range issues {
		_, there := s.find(issue.Campaign)
		if _, waits := paused[issue.Key]; waits || there || !unfinished(issue) {
			continue
		}
		on, err := s.floor.has(ctx, issue.Key)
		if err != nil {
			return err
		}
		if on { // what it needs of its files is in the ledger
			continue
		}
		keys = append(keys, issue.Key)
		s.door.log.Error("issue waits", slog.String("campaign", issue.Campaign), slog.String("issue", issue.Issue),
			slog.String("why", s.door.Text(missing(issue.Key))))
	}
	s.strays.are(keys)
	nudge(s.strays.back) // the folder may have changed meanwhile
	return nil
}

func missing(k ledger.Key) fault.Text {
	return fault.Textf("no file of the folder is the campaign %s, or it has faults; the issue goes on as soon as one is good", k.Campaign)
}

// takeBack goes on with strays whenever the folder has changed.
func (s *service) takeBack(ctx context.Context) error {
	for {
		select {
		case <-s.strays.back:
		case <-ctx.Done():
			return nil
		}
		err := s.goOnWithStrays(ctx)
		if err != nil && !s.door.shared(s.conf) {
			return err
		}
		if err != nil { // a database comes back
			s.door.log.Warn("cannot go on with issues that wait for their campaign", slog.Any("err", err))
		}
	}
}

func (s *service) goOnWithStrays(ctx context.Context) error {
	var back, away []ledger.Key
	for _, k := range s.strays.all() {
		list := &away
		if _, ok := s.find(k.Campaign); ok {
			list = &back
		}
		*list = append(*list, k)
	}
	if len(back) == 0 {
		return nil
	}
	issues, err := s.store.Issues(ctx)
	if err != nil {
		return err
	}
	if err := s.goOn(ctx, issues, func(i ledger.Issue) bool { return unfinished(i) && slices.Contains(back, i.Key) }); err != nil {
		return err
	}
	s.strays.are(away)
	return nil
}

// strayed are the strays as jobs, but for those that are among others, or that
// another process on the ledger has brought to their end.
func (d desk) strayed(ctx context.Context, jobs []web.Job) (out []web.Job, err error) {
	keys := d.strays.all()
	if len(keys) == 0 {
		return nil, nil
	}
	issues, err := d.store.Issues(ctx)
	for _, i := range issues {
		listed := slices.ContainsFunc(jobs, func(j web.Job) bool { return j.Key == i.Key })
		if slices.Contains(keys, i.Key) && unfinished(i) && !listed {
			out = append(out, web.Job{Key: i.Key, Standing: web.Stopped, Why: missing(i.Key)})
		}
	}
	return out, err
}
