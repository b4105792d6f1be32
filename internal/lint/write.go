package lint

import (
	"encoding/json"
	"io"
	"net/url"
	"path/filepath"
	"strings"
)

// WriteJSON writes the findings as an array of objects with rule, severity,
// file, line, what and hint; the texts are English.
func WriteJSON(w io.Writer, findings []Finding) error {
	type row struct {
		Rule     string   `json:"rule"`
		Severity Severity `json:"severity"`
		File     string   `json:"file,omitempty"`
		Line     int      `json:"line,omitempty"`
		What     string   `json:"what"`
		Hint     string   `json:"hint,omitempty"`
	}
	rows := make([]row, 0, len(findings))
	for _, f := range findings {
		rows = append(rows, row{f.Rule, f.Severity, f.File, f.Line, f.What.String(), f.Hint.String()})
	}
	return encode(w, rows)
}

func encode(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// WriteSARIF writes the findings as a SARIF 2.1.0 log with one run (OASIS
// Standard, 27 March 2020), as code review pages read it.
func WriteSARIF(w io.Writer, findings []Finding) error {
	log := sarif{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0"}
	driver := sarifDriver{Name: "hongyan"}
	for _, r := range Rules() {
		driver.Rules = append(driver.Rules, sarifRule{r.ID, sarifText{r.Title}, sarifLevel{level(r.Severity)}})
	}
	results := make([]sarifResult, 0, len(findings))
	for _, f := range findings {
		results = append(results, result(f))
	}
	log.Runs = []sarifRun{{Tool: sarifTool{driver}, Results: results}}
	return encode(w, log)
}

func result(f Finding) sarifResult {
	text := f.What.String()
	if hint := f.Hint.String(); hint != "" {
		text += " (" + hint + ")"
	}
	r := sarifResult{RuleID: f.Rule, RuleIndex: ruleIndex(f.Rule), Level: level(f.Severity), Message: sarifText{text}}
	if f.File == "" {
		return r
	}
	place := sarifPhysical{Artifact: sarifArtifact{fileURI(f.File)}}
	if f.Line > 0 {
		place.Region = &sarifRegion{f.Line}
	}
	r.Locations = []sarifLocation{{place}}
	return r
}

// level translates to the three levels of SARIF §3.27.10.
func level(s Severity) string {
	if s == Info {
		return "note"
	}
	return string(s)
}

// fileURI makes a URI reference of a path (SARIF §3.4.3).
func fileURI(name string) string {
	u := url.URL{Path: filepath.ToSlash(name)}
	if strings.HasPrefix(u.Path, "/") {
		u.Scheme = "file"
	}
	return u.String()
}

type (
	sarif struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name  string      `json:"name"`
		Rules []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID      string     `json:"id"`
		Short   sarifText  `json:"shortDescription"`
		Default sarifLevel `json:"defaultConfiguration"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		RuleIndex int             `json:"ruleIndex"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations,omitempty"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
)
