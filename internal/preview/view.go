package preview

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"hongyan/internal/message"
)

// A View is what the page shows of a mail.
type View struct {
	HTML   string `json:"html"` // inline images are in it, as "data:"
	Text   string `json:"text"`
	Source string `json:"source"` // the first 48 KB
}

// View returns the mail as the page shows it without files beside it. An image
// whose file cannot be read stays the "cid:" that it is.
func (m Mail) View() View {
	images := map[string]string{}
	for _, image := range m.Images {
		if uri, err := dataURI(image); err == nil {
			images[image.CID] = uri
		}
	}
	var source bytes.Buffer
	return View{
		HTML:   string(replaceCIDs(m.HTML, "", images)),
		Text:   string(m.Text),
		Source: string(head(&source, m.Message)),
	}
}

func dataURI(image message.Image) (string, error) {
	data := image.Data
	if image.File != "" {
		var err error
		if data, err = os.ReadFile(image.File); err != nil {
			return "", fmt.Errorf("image %s: %w", image.Name, err)
		}
	}
	if len(data) == 0 {
		return "", errors.New("the image is empty")
	}
	kind := image.Type
	if !strings.HasPrefix(kind, "image/") || strings.ContainsAny(kind, "\"'<>;, \t\r\n") {
		kind = "image/" + strings.TrimPrefix(extension(image), ".")
	}
	return "data:" + kind + ";base64," + base64.StdEncoding.EncodeToString(data), nil
}
