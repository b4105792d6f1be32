package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"
	"golang.org/x/net/html"

	"hongyan/internal/fault"
)

// imageTypes are the files that can be inline parts.
var imageTypes = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg",
	".gif": "image/gif", ".webp": "image/webp", ".svg": "image/svg+xml",
}

// gallery holds the local images of a template, read once. After Parse it does
// not change: a trusted value cannot make a mail carry another file.
type gallery struct {
	folders []string
	images  map[string]*picturefile
	files   []string
	closed  bool
}

type picturefile struct {
	Image
	width int // pixels, 0 = not known
}

func (p *parsing) newGallery() *gallery {
	g := &gallery{images: map[string]*picturefile{}, folders: []string{filepath.Dir(p.source.Template)}}
	if p.source.Root != "" {
		g.folders = append(g.folders, p.source.Root)
	}
	if p.source.SubjectFile != "" {
		g.folders = append(g.folders, filepath.Dir(p.source.SubjectFile))
	}
	return g
}

// find returns a local image by its path in the template; nil when there is none.
func (g *gallery) find(name string) *picturefile {
	if img, ok := g.images[name]; ok || g.closed {
		return img
	}
	for _, dir := range g.folders {
		data, abs, err := readFile(dir, filepath.FromSlash(name))
		if err != nil {
			continue
		}
		img := newPicture(path.Base(name), data)
		img.File = abs
		g.images[name] = img
		g.files = append(g.files, abs)
		return img
	}
	g.images[name] = nil
	return nil
}

func newPicture(name string, data []byte) *picturefile {
	kind := imageTypes[strings.ToLower(path.Ext(name))]
	img := &picturefile{Image: Image{CID: contentID("img", data), Name: name, Type: kind, Data: data}}
	var config image.Config
	var err error
	switch kind {
	case "image/png":
		config, err = png.DecodeConfig(bytes.NewReader(data))
	case "image/jpeg":
		config, err = jpeg.DecodeConfig(bytes.NewReader(data))
	case "image/gif":
		config, err = gif.DecodeConfig(bytes.NewReader(data))
	}
	if err == nil {
		img.width = config.Width
	}
	return img
}

// contentID is the same for the same content in every mail and every run.
func contentID(kind string, data []byte) string {
	sum := sha256.Sum256(data)
	return kind + "-" + hex.EncodeToString(sum[:10]) + "@hongyan"
}

// image makes a local image an inline part and gives it a width, without which
// Outlook draws it as large as it is.
func (b *built) image(attrs []attr, out *[]attr) bool {
	src := find(attrs, "src")
	if src == nil || !isLocal(src.value, b.page.token) {
		return false
	}
	if strings.Contains(src.value, b.page.token) {
		b.refuse(src.value, "an image file cannot depend on a value")
		b.faults[len(b.faults)-1].hinted("a whole address can: ![…]({{.photo}}) with https://… in the list")
		src.value = ""
		return true
	}
	name := localName(src.value)
	img := b.page.gallery.find(name)
	if img == nil {
		b.fault(-1, "there is no image %q", name)
		return false
	}
	if img.Type == "" {
		b.fault(-1, "%q is no image that mails can carry", name)
		return false
	}
	src.value = "cid:" + img.CID
	if !slices.ContainsFunc(b.images, func(have Image) bool { return have.CID == img.CID }) {
		b.images = append(b.images, img.Image)
	}
	if img.width > 0 && find(attrs, "width") == nil {
		width := strconv.Itoa(min(img.width, b.page.theme.width))
		*out = append(attrs, attr{name: "width", value: width, quote: '"'})
	}
	return true
}

func isLocal(src, token string) bool {
	src = strings.TrimSpace(html.UnescapeString(src))
	if src == "" || strings.HasPrefix(src, token) || strings.HasPrefix(src, "//") || strings.HasPrefix(src, "#") {
		return false
	}
	scheme, _, found := strings.Cut(src, ":")
	return !found || strings.ContainsAny(scheme, "/?#")
}

func localName(src string) string {
	name := strings.TrimSpace(html.UnescapeString(src))
	if plain, err := url.PathUnescape(name); err == nil {
		name = plain
	}
	return path.Clean(name)
}

func qrPalette() color.Palette { return color.Palette{color.White, color.Black} }

// qrSize is the width of a QR code in pixels: sharp at half its size.
const qrSize = 320

// qrImage draws a text as a QR code with a quiet zone of four modules.
func qrImage(text string) (Image, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return Image{}, fault.At("", 0, "qr: %d characters are more than a code holds", runes(text))
	}
	modules := code.Bounds().Dx()
	scale := max(qrSize/(modules+8), 2)
	inner, err := barcode.Scale(code, modules*scale, modules*scale)
	if err != nil {
		return Image{}, err
	}
	size := (modules + 8) * scale
	canvas := image.NewPaletted(image.Rect(0, 0, size, size), qrPalette())
	for y := range modules * scale {
		for x := range modules * scale {
			if r, _, _, _ := inner.At(x, y).RGBA(); r == 0 {
				canvas.SetColorIndex(x+4*scale, y+4*scale, 1)
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, canvas); err != nil {
		return Image{}, err
	}
	return Image{CID: contentID("qr", []byte(text)), Name: "qr.png", Type: "image/png", Data: b.Bytes()}, nil
}
