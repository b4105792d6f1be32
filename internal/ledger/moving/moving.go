// Package moving takes a whole ledger from one store to another, table by table,
// in a stream. It knows which tables and columns the stores have in common; what
// a store derives from them it makes by itself.
//
// It must never be used on a store that somebody works with.
package moving

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// A Source is a store whose rows are read. A row's values are int64, string,
// bool and []byte, in the order of the columns.
type Source interface {
	Rows(ctx context.Context, table string, columns []string, order string) iter.Seq2[[]any, error]
}

// A Target is a store that has nothing yet.
type Target interface {
	// Vacant says what there is already, if anything.
	Vacant(ctx context.Context) error
	// Fill writes rows of a table and returns how many.
	Fill(ctx context.Context, table string, columns []string, rows iter.Seq2[[]any, error]) (int64, error)
	// Derive makes what the store keeps beside the tables that are moved.
	Derive(ctx context.Context) error
	// Empty takes away what was filled into tables and derived from them.
	Empty(ctx context.Context, tables []string) error
}

// A table as all stores have it.
type table struct{ name, columns, order string }

// tables in the order in which they are moved.
var tables = []table{
	{"install", "key", "key"},
	{"issue", "id campaign issue digests planned complete size touched", "id"},
	{"account", "id name learned", "id"},
	{"hold", "account until since reason rule reply human", "account"},
	{"recipient", "id line address name fields", "id"},
	{"delivery", "id state account attempts begun ended due message_id", "id"},
	{"answer", "id stage code enhanced reply class rule bytes settled_by settled_at", "id"},
	{"attempt", "id n account begun ended message_id stage code enhanced reply class rule bytes settled_by settled_at", "id, n"},
	{"due", "issue account due id", "issue, account, due, id"},
	{"suppression", "address list source reason by at", "address, list"},
	{"act", "id at by what campaign issue about note", "id"},
	{"paper", "shelf name body at", "shelf, name"},
}

// The states of a delivery whose sender is not there any more.
const sending, inDoubt = 1, 5

// Move copies everything, and returns how many rows each table had. Whatever was
// being sent is in doubt in the new ledger: nobody can be sending it. A target
// that could not be filled is vacant again.
func Move(ctx context.Context, from Source, to Target) (map[string]int64, error) {
	if err := to.Vacant(ctx); err != nil {
		return nil, err
	}
	moved, err := fill(ctx, from, to)
	if err == nil {
		err = to.Derive(ctx)
	}
	if err == nil {
		return moved, nil
	}
	var filled []string
	for _, t := range tables {
		if t.name != "install" { // a ledger always has a key
			filled = append(filled, t.name)
		}
	}
	if left := to.Empty(context.WithoutCancel(ctx), filled); left != nil {
		err = fmt.Errorf("%w; part of it is in the new ledger, which is to be removed: %w", err, left)
	}
	return nil, err
}

func fill(ctx context.Context, from Source, to Target) (map[string]int64, error) {
	moved := map[string]int64{}
	for _, t := range tables {
		columns := strings.Fields(t.columns)
		rows := from.Rows(ctx, t.name, columns, t.order)
		if t.name == "delivery" {
			rows = doubting(rows, slices.Index(columns, "state"))
		}
		n, err := to.Fill(ctx, t.name, columns, rows)
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.name, err)
		}
		moved[t.name] = n
	}
	return moved, nil
}

func doubting(rows iter.Seq2[[]any, error], state int) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		for row, err := range rows {
			if err == nil && row[state] == int64(sending) {
				row[state] = int64(inDoubt)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}
