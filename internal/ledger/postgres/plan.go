package postgres

import (
	"context"
	"encoding/json"

	"hongyan/internal/ledger"
)

// Plan freezes the plan at the first start. See [ledger.Planner].
func (s *Store) Plan(ctx context.Context, k ledger.Key, p ledger.Plan) (ledger.Plan, error) {
	digests, err := json.Marshal(p.Digests)
	if err != nil {
		return ledger.Plan{}, err
	}
	tag, err := s.pool.Exec(ctx, `INSERT INTO issue (campaign, issue, digests, planned) VALUES ($1, $2, $3, $4)
		ON CONFLICT DO NOTHING`, k.Campaign, k.Issue, string(digests), millis(p.At))
	if err != nil {
		return ledger.Plan{}, wrap("write the plan of "+k.String(), err)
	}
	frozen := ledger.Plan{First: tag.RowsAffected() == 1}
	var kept string
	var at int64
	err = s.pool.QueryRow(ctx, `SELECT digests, planned, complete FROM issue WHERE campaign = $1 AND issue = $2`,
		k.Campaign, k.Issue).Scan(&kept, &at, &frozen.Complete)
	if err != nil {
		return ledger.Plan{}, wrap("read the plan of "+k.String(), err)
	}
	frozen.At = instant(at)
	return frozen, wrap("read the plan of "+k.String(), json.Unmarshal([]byte(kept), &frozen.Digests))
}

// Refreeze replaces the plan. See [ledger.Planner].
func (s *Store) Refreeze(ctx context.Context, k ledger.Key, p ledger.Plan) error {
	digests, err := json.Marshal(p.Digests)
	if err != nil {
		return err
	}
	tag, err := s.pool.Exec(ctx, `UPDATE issue SET digests = $3, planned = $4, complete = false
		WHERE campaign = $1 AND issue = $2`, k.Campaign, k.Issue, string(digests), millis(p.At))
	if err == nil && tag.RowsAffected() == 0 {
		return unknown(k)
	}
	return wrap("write the plan of "+k.String(), err)
}
