package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"time"

	"hongyan/internal/ledger"
)

// settle writes down a person's word about mails in doubt.
func (h *house) settle(ctx context.Context, key ledger.Key, as string, doubtful []ledger.Entry) (int, error) {
	if len(doubtful) == 0 {
		return 0, nil
	}
	to := ledger.Sent
	if as == "resend" {
		to = ledger.Deferred
	}
	ids := make([]int64, len(doubtful))
	for i, entry := range doubtful {
		ids[i] = entry.ID
	}
	return h.store.Settle(ctx, key, ledger.Settlement{IDs: ids, To: to, At: time.Now(), By: whoami()})
}

// settleFirst heeds send's --in-doubt.
func (d *door) settleFirst(ctx context.Context, e *edition, h *house, as string) error {
	if as == "" {
		return nil
	}
	to := ledger.Sent
	if as == "resend" {
		to = ledger.Deferred
	}
	n, err := h.store.Settle(ctx, e.key, ledger.Settlement{To: to, At: time.Now(), By: whoami()})
	if errors.Is(err, ledger.ErrUnknown) {
		return nil
	}
	if err == nil && n > 0 {
		fmt.Fprintln(d.err, d.say("%d settled", n))
	}
	return err
}

func whoami() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "somebody"
}
