package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

func provider(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithDisableGlobalRegistry(true))
}

// migrate brings the tables to the shape that this program knows.
func migrate(ctx context.Context, db *sql.DB) error {
	if versioned(ctx, db) == nil { // as at almost every start
		return nil
	}
	p, err := provider(db)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return versioned(ctx, db)
}

// versioned refuses tables of any other shape than this program's.
func versioned(ctx context.Context, db *sql.DB) error {
	p, err := provider(db)
	if err != nil {
		return err
	}
	sources := p.ListSources()
	want := sources[len(sources)-1].Version
	var got int64
	if err := db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&got); err != nil {
		return fmt.Errorf("read the ledger's version: %w", err)
	}
	if got > want {
		return fmt.Errorf("made by a newer hongyan (version %d, this one knows %d)", got, want)
	}
	if got < want {
		return fmt.Errorf("made by an older hongyan (version %d); the next send brings it up to %d", got, want)
	}
	return nil
}
