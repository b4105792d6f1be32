package trace

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"strconv"
	"strings"

	otel "go.opentelemetry.io/otel/trace"

	"hongyan/internal/ledger"
)

// IDs derives the id of a recipient's trace from the ledger's key and what the
// recipient is known by, so that nobody has to keep it: log, report and trace
// come to the same one, after a restart too, and also for a recipient that never
// had a Message-ID. Without the key it tells nothing about the address.
type IDs struct{ key []byte }

// NewIDs takes the key that the ledger was born with.
func NewIDs(key []byte) IDs { return IDs{key} }

// Of returns the id as 32 hexadecimal digits.
func (i IDs) Of(e ledger.Entry) string { return i.of(e).String() }

func (i IDs) of(e ledger.Entry) (id otel.TraceID) {
	digest := hmac.New(sha256.New, i.key)
	who := strings.ToLower(e.Address)
	if who == "" {
		who = "line " + strconv.Itoa(e.Line)
	}
	digest.Write([]byte("trace\x00" + e.Campaign + "\x00" + e.Issue + "\x00" + who))
	copy(id[:], digest.Sum(nil))
	return id
}

// wanted is the key under which a context carries the id of the trace to begin.
type wanted struct{}

// A generator gives a trace the id that its context wants.
type generator struct{}

func (generator) NewIDs(ctx context.Context) (otel.TraceID, otel.SpanID) {
	id, _ := ctx.Value(wanted{}).(otel.TraceID)
	return id, generator{}.NewSpanID(ctx, id)
}

func (generator) NewSpanID(context.Context, otel.TraceID) (id otel.SpanID) {
	binary.NativeEndian.PutUint64(id[:], rand.Uint64()|1) // zero is no id
	return id
}
