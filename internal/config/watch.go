package config

import (
	"net/url"

	"hongyan/internal/pace"
)

// trace reads where traces go.
func (b *builder) trace(values map[string]any) Trace {
	t := Trace{OTLP: text(values["otlp"])}
	if t.OTLP != "" && webAddress(t.OTLP) == nil {
		b.wrong(join("trace", "otlp"), "%q is no address of a collector", t.OTLP).Hinted("write it like http://127.0.0.1:4318")
	}
	var ok bool
	if t.Sample, ok = pace.ParseWindow(text(values["sample"])); !ok {
		b.wrong(join("trace", "sample"), "%q is no rate", text(values["sample"])).Hinted("write it like 20/s or 100/min")
	}
	return t
}

// webAddress returns an address of http or https, nil if it is none.
func webAddress(text string) *url.URL {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil
	}
	return u
}
