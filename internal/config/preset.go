package config

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/goccy/go-yaml"

	"hongyan/internal/pace"
)

//go:embed providers.yaml
var providers []byte

// A Preset is what is known of a provider.
type Preset struct {
	Name    string
	Address string // of the account, where the provider makes it up
	Host    string
	Port    int
	TLS     string
	Login   string // what the server takes as user name: "address", "given", or "" for no login at all
	Limits  pace.Limits
	Quirks  Quirks
	Hint    map[string]string // how to get the secret, by language
}

// row is a preset as it is written in providers.yaml.
type row struct {
	Address    string            `yaml:"address"`
	Host       string            `yaml:"host"`
	Port       int               `yaml:"port"`
	TLS        string            `yaml:"tls"`
	Login      string            `yaml:"login"`
	Limits     map[string]any    `yaml:"limits"`
	Frame      bool              `yaml:"frame"`
	Pipelining bool              `yaml:"pipelining"`
	ListBare   bool              `yaml:"list_bare"`
	MaxSize    int64             `yaml:"max_size"`
	Idle       string            `yaml:"idle"`
	SecretFrom map[string]string `yaml:"secret_from"`
}

// Presets returns all providers by name.
func Presets() (map[string]Preset, error) {
	var rows map[string]row
	if err := yaml.UnmarshalWithOptions(providers, &rows, yaml.Strict()); err != nil {
		return nil, fmt.Errorf("providers.yaml: %w", err)
	}
	out := make(map[string]Preset, len(rows))
	for name, r := range rows {
		p, err := r.preset(name)
		if err != nil {
			return nil, fmt.Errorf("providers.yaml: %s: %w", name, err)
		}
		out[name] = p
	}
	return out, nil
}

func (r row) preset(name string) (Preset, error) {
	limits, problems := pace.ParseLimits(r.Limits)
	for _, p := range problems {
		return Preset{}, fmt.Errorf("%s: %s", p.Key, p.What)
	}
	idle := time.Duration(0)
	if r.Idle != "" {
		var ok bool
		if idle, ok = pace.ParseDuration(r.Idle); !ok {
			return Preset{}, fmt.Errorf("idle: %q is no span of time", r.Idle)
		}
	}
	return Preset{
		Name: name, Address: r.Address, Host: r.Host, Port: r.Port, TLS: r.TLS, Login: r.Login,
		Limits: limits, Hint: r.SecretFrom,
		Quirks: Quirks{Frame: r.Frame, Pipelining: r.Pipelining, ListBare: r.ListBare, MaxSize: r.MaxSize, Idle: idle},
	}, nil
}

func names(all map[string]Preset) []string { return slices.Sorted(maps.Keys(all)) }
