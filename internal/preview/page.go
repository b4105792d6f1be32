package preview

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"strconv"
	"strings"
)

//go:embed page/page.html
var pageHTML string

//go:embed page/page.css
var pageStyle string

//go:embed page/page.js
var pageScript string

//go:embed page/disk.js
var diskScript string

// Page returns the gallery's page over a source of mails, which is JavaScript
// that defines the object "source" (page/disk.js is one). policy is the page's
// Content-Security-Policy; the hash of the page's own script, without which it
// would not run, takes the place of 'script' in it.
//
// What the mails can do is bounded by the same policy, and by the sandbox of
// the frame in which they stand.
func Page(source, policy string) (page, csp string) {
	script := "\n" + source + pageScript
	sum := sha256.Sum256([]byte(script))
	csp = strings.Replace(policy, "'script'", "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", 1)
	fill := strings.NewReplacer("{{POLICY}}", csp, "{{STYLE}}", pageStyle, "{{SCRIPT}}", script)
	return fill.Replace(pageHTML), csp
}

// diskPolicy lets the page read its data files, and nothing from elsewhere.
const diskPolicy = "default-src 'none'; script-src 'script' 'self' file:; style-src 'unsafe-inline'; " +
	"img-src 'self' file: data:; frame-src 'self' about:; base-uri 'none'; form-action 'none'"

// page is the gallery with its summary: {lang, mails, warned, perPage, warnings: [[text, n]…]}.
func (g *Gallery) page() []byte {
	t := &g.tally
	b := appendString([]byte(`const summary = {"lang":`), g.Lang)
	b = append(b, `,"mails":`...)
	b = strconv.AppendInt(b, int64(t.mails), 10)
	b = append(b, `,"warned":`...)
	b = strconv.AppendInt(b, int64(t.warned), 10)
	b = append(b, `,"perPage":`...)
	b = strconv.AppendInt(b, rowsPerPage, 10)
	b = append(b, `,"warnings":[`...)
	for i, w := range t.order {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(append(b, '['), w), ',')
		b = append(strconv.AppendInt(b, int64(t.counts[w]), 10), ']')
	}
	b = append(b, "]};\n"...)
	page, _ := Page(string(b)+diskScript, diskPolicy)
	return []byte(page)
}
