package crew

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"hongyan/internal/ledger/postgres/postgrestest"
)

// A watched is a floor that says when it is looked at.
type watched chan struct{}

func (w watched) Due(context.Context) ([]Due, error) {
	select {
	case w <- struct{}{}:
	default:
	}
	return nil, nil
}

func (watched) Pump(context.Context, Due) error { return nil }

func TestWhoIsCalledLooksWithoutWaitingForTheNextTick(t *testing.T) {
	t.Parallel()
	server := postgrestest.Start(t, false)
	pool, err := pgxpool.New(t.Context(), server.Place(t))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := Call(t.Context(), pool); err == nil {
		t.Error("a call among nobody is no error")
	}

	looks, stop, ended := make(watched, 1), make(chan struct{}), make(chan error, 1)
	c := &Crew{Pool: pool, Floor: looks, Lanes: 1, Log: slog.New(slog.DiscardHandler), Stop: stop, every: time.Hour}
	go func() { ended <- c.Run(t.Context()) }()
	<-looks                                  // by itself
	for late := time.After(time.Minute); ; { // River may not listen yet
		if err := Call(t.Context(), pool); err != nil {
			t.Error(err)
		}
		select {
		case <-looks:
		case <-time.After(200 * time.Millisecond):
			continue
		case <-late:
			t.Error("nobody looks")
		}
		break
	}
	close(stop)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
