package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io/fs"
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
	width int          // pixels, 0 = not known
	wrong *fault.Fault // if not nil, why no mail can carry it
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

// find returns a local image by its path in the template.
func (g *gallery) find(name string) *picturefile {
	if img, ok := g.images[name]; ok {
		return img
	}
	if g.closed {
		return missing(name)
	}
	img := g.read(name)
	g.images[name] = img
	return img
}

func missing(name string) *picturefile {
	return &picturefile{wrong: fault.At("", 0, "there is no image %q", name)}
}

// read looks for an image in one folder after the other.
func (g *gallery) read(name string) *picturefile {
	img := missing(name)
	for _, dir := range g.folders {
		data, abs, err := readFile(dir, filepath.FromSlash(name))
		switch {
		case err == nil:
			g.files = append(g.files, abs)
			return newPicture(name, abs, data)
		case leaves(name, err):
			img.wrong = fault.At("", 0, "the image %q lies outside the folders of the mail", name).
				Hinted("images may lie in %s and below", strings.Join(distinct(g.folders), ", "))
		case !errors.Is(err, fs.ErrNotExist):
			img.wrong = fault.At("", 0, "the image %q cannot be read: %s", name, reason(err))
		}
	}
	return img
}

// leaves tells whether a root refused a name because it leads out of it; the
// standard library has no error value for it.
func leaves(name string, err error) bool {
	return !filepath.IsLocal(filepath.FromSlash(name)) || strings.Contains(err.Error(), "escapes")
}

// magic is what the files of a type begin with; an SVG is text.
var magic = map[string]string{"image/png": "\x89PNG\r\n\x1a\n", "image/jpeg": "\xff\xd8\xff", "image/gif": "GIF8", "image/webp": "RIFF"}

func newPicture(name, file string, data []byte) *picturefile {
	kind := imageTypes[strings.ToLower(path.Ext(name))]
	img := &picturefile{Image: Image{CID: contentID("img", data), Name: path.Base(name), Type: kind, File: file, Data: data}}
	switch {
	case kind == "":
		img.wrong = fault.At("", 0, "%q is no image that mails can carry", name)
	case !bytes.HasPrefix(data, []byte(magic[kind])):
		img.wrong = fault.At("", 0, "%q is not the image that its name says", name).
			Hinted("its bytes are not those of %s: save it anew, or give it its right name", kind)
	}
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
	img := b.page.gallery.find(localName(src.value))
	if img.wrong != nil {
		b.faults = append(b.faults, holeFault{hole: -1, what: img.wrong.What, hint: img.wrong.Hint})
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
