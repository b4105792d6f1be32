package render

import (
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"hongyan/internal/fault"
)

// DownloadField is the field behind the function download: the address of a
// file that the mail links to. No column can have its name in a template.
func DownloadField(name string) string { return "download(" + strconv.Quote(name) + ")" }

// Downloads returns the files that the template links to, sorted.
func (t *Template) Downloads() []string { return slices.Clone(t.downloads) }

// A literal is a text that stands in a template.
type literal struct{ *parse.StringNode }

// named is another text at its place.
func (l literal) named(text string) parse.Node {
	return &parse.StringNode{NodeType: parse.NodeString, Pos: l.Pos, Quoted: strconv.Quote(text), Text: text}
}

// downloadOf returns the file that a command asks the address of.
func downloadOf(c *parse.CommandNode) (of literal, name string, ok bool) {
	if len(c.Args) != 2 || !isIdent(c.Args[0], "download") {
		return of, "", false
	}
	text, ok := c.Args[1].(*parse.StringNode)
	if !ok {
		return of, "", false
	}
	return literal{text}, text.Text, true
}

// download looks whether the campaign has the file that is linked to.
func (c *checker) download(cmd *parse.CommandNode, sc scope) {
	_, name, ok := downloadOf(cmd)
	if !ok || !sc.root {
		c.at(cmd, "download takes the name of one file, like {{download \"brochure.pdf\"}}")
		return
	}
	known := c.parsing.source.Downloads
	if slices.Contains(known, name) {
		c.parsing.downloads = append(c.parsing.downloads, name)
		return
	}
	f := c.at(cmd, "no attachment %q goes as a link", name)
	if near := fault.Near(name, known); near != "" {
		f.Hinted("did you mean %q?", near)
		return
	}
	if len(known) > 0 {
		f.Hinted("these do: %s", strings.Join(known, ", "))
		return
	}
	f.Hinted("name it in the campaign: attachments: [{file: %s, as: link, expires: 7d}]", name)
}
