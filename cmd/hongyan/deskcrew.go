package main

import (
	"context"
	"time"

	"hongyan/internal/ledger"
	"hongyan/internal/web"
)

// Crew lists who shares the ledger and what waits for them. See [web.Hands].
func (d desk) Crew(ctx context.Context) (*web.Crew, error) {
	books, ok := d.store.(queue)
	if !ok {
		return nil, nil
	}
	workers, err := books.Workers(ctx)
	if err != nil {
		return nil, err
	}
	parts, err := queued(ctx, books, time.Now())
	if err != nil {
		return nil, err
	}
	crew := &web.Crew{}
	for _, w := range workers {
		crew.Workers = append(crew.Workers, web.Worker(w))
	}
	for _, p := range parts {
		key := ledger.Key{Campaign: p.Campaign, Issue: p.Issue}
		crew.Queue = append(crew.Queue, web.Queue{Key: key, Account: p.Account, Due: p.Due, Since: p.Since, Paused: p.Paused})
	}
	return crew, nil
}
