package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// provider migrates one database under one lock, so that of many processes that
// start at once one does the work and the others wait for it.
func provider(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 60))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, dir,
		goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
}

// migrate brings the tables to the shape that this program knows.
func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	if versioned(ctx, pool) == nil { // as at almost every start
		return nil
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	p, err := provider(db)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return versioned(ctx, pool)
}

// ErrEmpty means that the database has no ledger yet; it is an [fs.ErrNotExist].
var ErrEmpty = fmt.Errorf("there is no ledger yet: %w", fs.ErrNotExist)

// versioned refuses tables of any other shape than this program's.
func versioned(ctx context.Context, pool *pgxpool.Pool) error {
	entries, err := migrations.ReadDir("migrations")
	if err != nil {
		return err
	}
	want := int64(len(entries)) // they are numbered 1, 2, 3 …
	var got int64
	err = pool.QueryRow(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&got)
	if refusal, ok := errors.AsType[*pgconn.PgError](err); ok && refusal.Code == undefinedTable {
		return ErrEmpty
	}
	if err != nil {
		return fmt.Errorf("read the ledger's version: %w", err)
	}
	if got > want {
		return fmt.Errorf("made by a newer hongyan (version %d, this one knows %d)", got, want)
	}
	if got < want {
		return fmt.Errorf("made by an older hongyan (version %d); hongyan migrate brings it up to %d", got, want)
	}
	return nil
}

const undefinedTable = "42P01"
