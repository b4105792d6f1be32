package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// A table is the figures with their bars.
type table struct {
	notes []string
	rows  []row
}

type row struct {
	what, bar, got string
	met            bool
}

// add says a figure at once and keeps it for the table.
func (t *table) add(what, bar string, met bool, format string, args ...any) {
	r := row{what, bar, fmt.Sprintf(format, args...), met}
	t.rows = append(t.rows, r)
	fmt.Printf("%-6s %s: %s\n", r.verdict(), r.what, r.got)
	if bar != "" {
		fmt.Printf("       the bar: %s\n", bar)
	}
}

func (r row) verdict() string {
	switch {
	case r.bar == "":
		return ""
	case r.met:
		return "met"
	}
	return "missed"
}

func (t *table) say(format string, args ...any) {
	note := fmt.Sprintf(format, args...)
	t.notes = append(t.notes, note)
	fmt.Println(note)
}

// write writes the table as Markdown; without a file it was said already.
func (t *table) write(path string) error {
	if path == "" {
		return nil
	}
	var b strings.Builder
	b.WriteString("| what | bar | measured | |\n| --- | --- | --- | --- |\n")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.what, r.bar, r.got, r.verdict())
	}
	b.WriteString("\n" + strings.Join(t.notes, "  \n") + "\n")
	fmt.Println("as Markdown: " + path)
	return os.WriteFile(path, []byte(b.String()), 0o600)
}

// machine is what the figures were measured on, and how busy it was.
func machine() string {
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("unknown")
	}
	busy, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%s: %s/%s, %d processors, load of the last minute %s", time.Now().Format("2006-01-02 15:04"),
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), busy)
}
