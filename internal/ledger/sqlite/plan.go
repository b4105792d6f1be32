package sqlite

import (
	"context"
	"encoding/json"

	"hongyan/internal/ledger"
)

// Plan freezes the plan at the first start. See [ledger.Planner].
func (s *Store) Plan(_ context.Context, k ledger.Key, p ledger.Plan) (ledger.Plan, error) {
	digests, err := json.Marshal(p.Digests)
	if err != nil {
		return ledger.Plan{}, err
	}
	var frozen ledger.Plan
	var kept []byte
	var at int64
	err = s.writer.write(func(t *tx) {
		frozen.First = t.exec(`INSERT INTO issue (campaign, issue, digests, planned) VALUES (?1, ?2, ?3, ?4)
			ON CONFLICT DO NOTHING`, k.Campaign, k.Issue, digests, millis(p.At)) == 1
		t.row([]any{&kept, &at, &frozen.Complete},
			`SELECT digests, planned, complete FROM issue WHERE campaign = ?1 AND issue = ?2`, k.Campaign, k.Issue)
	})
	if err != nil {
		return ledger.Plan{}, err
	}
	frozen.At = instant(at)
	return frozen, wrap("read the plan", json.Unmarshal(kept, &frozen.Digests))
}

// Refreeze replaces the plan. See [ledger.Planner].
func (s *Store) Refreeze(_ context.Context, k ledger.Key, p ledger.Plan) error {
	digests, err := json.Marshal(p.Digests)
	if err != nil {
		return err
	}
	var n int64
	err = s.writer.write(func(t *tx) {
		n = t.exec(`UPDATE issue SET digests = ?3, planned = ?4, complete = 0 WHERE campaign = ?1 AND issue = ?2`,
			k.Campaign, k.Issue, digests, millis(p.At))
	})
	if err == nil && n == 0 {
		return unknown(k)
	}
	return err
}
