package preview

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"hongyan/internal/message"
)

// images keeps inline images beside the mails, each once.
type images struct {
	root  *os.Root
	mu    sync.Mutex
	names map[string]string // by the template's file
}

// resolve returns the file of each image that the HTML may show, by its CID.
func (i *images) resolve(m Mail) (map[string]string, error) {
	if len(m.Images) == 0 || !bytes.Contains(m.HTML, []byte("cid:")) {
		return nil, nil
	}
	names := make(map[string]string, len(m.Images))
	for _, image := range m.Images {
		name, err := i.keep(image)
		if err != nil {
			return nil, err
		}
		names[image.CID] = name
	}
	return names, nil
}

// replaceCIDs puts a path to the file in the place of each known "cid:".
func replaceCIDs(html []byte, folder string, names map[string]string) []byte {
	if names == nil {
		return html
	}
	var out []byte
	for {
		before, rest, ok := bytes.Cut(html, []byte("cid:"))
		out = append(out, before...)
		if !ok {
			return out
		}
		end := bytes.IndexAny(rest, "\"'<>) \t\r\n&;\\")
		if end < 0 {
			end = len(rest)
		}
		cid := string(rest[:end])
		if plain, err := url.PathUnescape(cid); err == nil {
			cid = plain
		}
		if name, known := names[cid]; known {
			out = append(append(out, folder...), name...)
		} else {
			out = append(append(out, "cid:"...), rest[:end]...)
		}
		html = rest[end:]
	}
}

// keep writes an image unless it is there, and returns its name.
func (i *images) keep(image message.Image) (string, error) {
	if image.File == "" {
		return i.store(image, image.Data)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if name, ok := i.names[image.File]; ok {
		return name, nil
	}
	data, err := os.ReadFile(image.File)
	if err != nil {
		return "", fmt.Errorf("image %s: %w", image.Name, err)
	}
	name, err := i.store(image, data)
	i.names[image.File] = name
	return name, err
}

// store names an image by its content, so that it is there or is not.
func (i *images) store(image message.Image, data []byte) (string, error) {
	sum := sha256.Sum256(data)
	name := hex.EncodeToString(sum[:10]) + extension(image)
	f, err := i.root.OpenFile("images/"+name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return name, nil
	}
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	return name, errors.Join(err, f.Close())
}

// extension is the image's own if it is one, or follows its type.
func extension(image message.Image) string {
	ext := strings.ToLower(path.Ext(image.Name))
	if ext == "" {
		ext = "." + strings.TrimPrefix(image.Type, "image/")
	}
	if slices.Contains([]string{".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".bmp", ".avif", ".ico"}, ext) {
		return ext
	}
	return ".png"
}

// FileName is the line and the address, as far as file systems agree on it.
func FileName(line int, address string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("@._+-=", r):
			return r
		}
		return '_'
	}, address)
	const longest = 80
	clean = strings.TrimRight(clean[:min(len(clean), longest)], ".")
	return fmt.Sprintf("%05d-%s", line, clean)
}
