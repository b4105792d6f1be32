package main

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"hongyan/internal/render"
)

//go:embed starter
var starter embed.FS

func newInit(d *door) *cobra.Command {
	return &cobra.Command{
		Use:     "init [DIR]",
		Short:   d.Say("write a working configuration, campaign, list and template to start from"),
		Example: "  hongyan init my-mails",
		Args:    d.usage(cobra.MaximumNArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return d.init(dir)
		},
	}
}

// init writes the starter; it never overwrites a file.
func (d *door) init(dir string) error {
	files := map[string][]byte{}
	err := fs.WalkDir(starter, "starter", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := starter.ReadFile(name)
		files[name[len("starter/"):]] = data
		return err
	})
	if err != nil {
		return err
	}
	for name := range files {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			return d.usagef("%s is there already; nothing was written", filepath.Join(dir, name))
		}
	}
	for name, data := range files {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return d.unusable(dir, err)
		}
		if err := os.WriteFile(target, data, 0o644); err != nil {
			return err
		}
		fmt.Fprintln(d.out, target)
	}
	at := ""
	if dir != "." {
		at = "cd " + shellWord(dir) + " && "
	}
	fmt.Fprintln(d.err, d.Say("Next: %shongyan check %s", at, path.Join("campaigns", "hello.yaml")))
	return nil
}

func newTemplatesHelp(d *door) *cobra.Command {
	return &cobra.Command{
		Use:   "templates",
		Short: d.Say("the functions that templates can use"),
		Long:  d.functions(),
	}
}

func (d *door) functions() string {
	var b strings.Builder
	for _, f := range render.Functions() {
		fmt.Fprintf(&b, "%s\n    %s\n    %s\n", f.Usage, d.Word(f.Doc), f.Example)
	}
	fmt.Fprintf(&b, ".data.NAME\n    %s\n    %s\n", d.Say("what is the same for all recipients, from data: in the campaign; an item of a feed has title, link, summary, date, author and id"),
		`{{range .data.news}}- [{{.title}}]({{.link}}){{end}}`)
	return b.String()
}
