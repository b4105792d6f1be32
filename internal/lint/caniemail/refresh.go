//go:build ignore

// Command refresh reduces the data of caniemail.com to the table that lint
// embeds: per feature one letter a client, the newest that was tested. Run it
// in this folder:
//
//	go run refresh.go            # the newest caniemail from the npm registry
//	go run refresh.go -v 2.0.2   # a given version
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

func main() {
	version := flag.String("v", "latest", "version of the npm package caniemail")
	flag.Parse()
	if err := refresh(*version); err != nil {
		log.Fatal(err)
	}
}

func refresh(version string) error {
	files, err := fetch(version)
	if err != nil {
		return err
	}
	var pkg struct{ Version string }
	if err := json.Unmarshal(files["package/package.json"], &pkg); err != nil {
		return err
	}
	table, err := reduce(files["package/data/caniemail.json"], pkg.Version)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile("table.json", table, 0o644),
		os.WriteFile("LICENSE", files["package/LICENSE"], 0o644))
}

// fetch lets npm download the package (it checks the digest) and unpacks it.
func fetch(version string) (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "caniemail")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("npm", "pack", "--pack-destination", dir, "caniemail@"+version)
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	packs, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(packs) != 1 {
		return nil, fmt.Errorf("npm left %d packages: %w", len(packs), err)
	}
	f, err := os.Open(packs[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return unpack(f)
}

func unpack(r io.Reader) (map[string][]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files[h.Name], err = io.ReadAll(t); err != nil {
			return nil, err
		}
	}
}

type feature struct {
	Slug, Title string
	Stats       map[string]map[string]newest
}

// reduce writes one line a feature, so that a refresh reads well as a diff.
func reduce(data []byte, version string) ([]byte, error) {
	var in struct {
		Updated   string                       `json:"last_update_date"`
		Nicenames map[string]map[string]string `json:"nicenames"`
		Data      []feature
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return nil, err
	}
	clients := pairs(in.Data)
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n\"source\": \"https://www.caniemail.com by way of the npm package caniemail %s; MIT, see LICENSE beside this file\",\n", version)
	fmt.Fprintf(&b, "\"updated\": %s,\n\"clients\": [\n", quote(in.Updated))
	for i, c := range clients {
		name := in.Nicenames["family"][c[0]] + " " + in.Nicenames["platform"][c[1]]
		fmt.Fprintf(&b, "%s[%s, %s]", comma(i), quote(c[0]+"/"+c[1]), quote(name))
	}
	b.WriteString("\n],\n\"features\": [\n")
	for i, f := range in.Data {
		fmt.Fprintf(&b, "%s[%s, %s, %s]", comma(i), quote(f.Slug), quote(f.Title), quote(letters(f, clients)))
	}
	b.WriteString("\n]\n}\n")
	return b.Bytes(), nil
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ",\n"
}

func quote(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		log.Fatal(err)
	}
	return bytes.TrimSpace(b.Bytes())
}

func pairs(features []feature) [][2]string {
	seen := map[[2]string]bool{}
	for _, f := range features {
		for family, platforms := range f.Stats {
			for platform := range platforms {
				seen[[2]string{family, platform}] = true
			}
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
}

// letters returns y (works), a (partly), n (not) or - (not tested) for each client.
func letters(f feature, clients [][2]string) string {
	out := make([]byte, len(clients))
	for i, c := range clients {
		out[i] = '-'
		if v := f.Stats[c[0]][c[1]]; v == "y" || v == "a" || v == "n" {
			out[i] = v[0]
		}
	}
	return string(out)
}

// newest is the last value of an object {"2019": "n", "16.80": "y #1"}. The
// data have the versions in the order of their release; sorting them by number
// would put year-named ones after the newer 16.80.
type newest string

func (n *newest) UnmarshalJSON(src []byte) error {
	dec := json.NewDecoder(bytes.NewReader(src))
	for key := false; ; key = !key {
		tok, err := dec.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if s, ok := tok.(string); ok && !key && s != "" {
			*n = newest(s[:1])
		}
	}
}
