package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"hongyan/internal/config"
)

func TestAPlacePrintsNoPassword(t *testing.T) {
	t.Parallel()
	for _, p := range []config.Place{
		"postgres://li:s3cr3t@db/hongyan", "postgres://db/hongyan?password=s3cr3t", "postgres://li:s3cr3t@%zz/",
	} {
		text, err := json.Marshal(map[string]any{"state": p})
		if err != nil {
			t.Fatal(err)
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("open", "state", p)
		for _, said := range []string{fmt.Sprintf("%v %s %q %#v %x", p, p, p, p, p), string(text), log.String()} {
			if strings.Contains(said, "s3cr3t") {
				t.Errorf("it says %s", said)
			}
		}
	}
	if got := config.Place("postgres://li:s3cr3t@db:5432/hongyan?sslmode=verify-full").String(); got != "postgres://li@db:5432/hongyan" {
		t.Errorf("got %s", got)
	}
	if got := config.Place("state/here").String(); got != "state/here" {
		t.Errorf("got %s", got)
	}
}
