package crew

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// A look is a job that has whoever gets it look for due accounts.
type look struct{}

// Kind names the job.
func (look) Kind() string { return "look" }

// InsertOpts: what it is too late for, the next tick sees.
func (look) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

// Call has one of the processes look for due accounts now instead of at its next
// tick. Its error is nothing to worry about: there may be none yet.
func Call(ctx context.Context, pool *pgxpool.Pool) error {
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = client.Insert(ctx, look{}, nil)
	return err
}
