package lint

import (
	"slices"
	"strings"

	"hongyan/internal/fault"
)

func (c *check) images(p *page) {
	seen := map[string]bool{}
	for _, i := range p.pictures {
		remote := strings.HasPrefix(i.src, "http:") || strings.HasPrefix(i.src, "https:")
		if remote && tiny(i.width) && tiny(i.height) {
			c.add(imageTracking, i.src, fault.Textf("%s looks like a tracking pixel", i.src), fault.Textf("clients block it and filters count it"))
			continue
		}
		if !i.hasAlt {
			c.add(imgAlt, i.src, fault.Textf("the image %s has no alt", shown(i.src)),
				fault.Textf("say what it shows; alt=\"\" for mere decoration"))
		}
		c.source(i.src, seen)
	}
	c.weights()
}

func (c *check) source(src string, seen map[string]bool) {
	cid, inline := strings.CutPrefix(src, "cid:")
	switch {
	case src == "":
		c.add(linkBroken, "<img", fault.Textf("an image has no source"), fault.Text{})
	case strings.HasPrefix(src, "data:"):
	case !inline:
		c.target(src, seen)
	case c.mail.Images != nil && !slices.ContainsFunc(c.mail.Images, func(i Image) bool { return i.CID == cid }):
		c.add(linkBroken, src, fault.Textf("the image %s is not in the mail", src), fault.Text{})
	}
}

// weights looks at the inline parts. The bounds are what readers on a phone
// wait for without leaving: 1 MiB an image, 3 MiB a mail.
func (c *check) weights() {
	const one, all = 1 << 20, 3 << 20
	total := int64(0)
	for _, i := range c.mail.Images {
		total += i.Size
		if i.Size > one {
			c.add(imageSize, i.Name, fault.Textf("the image %s is %d KB", i.Name, kilo(int(i.Size))),
				fault.Textf("1,200 pixels of width are enough on any screen"))
		}
	}
	if total > all {
		c.add(imageSize, "", fault.Textf("the images are %d KB together", kilo(int(total))), fault.Text{})
	}
}

func (c *check) active(p *page) {
	for _, what := range slices.Compact(p.active) {
		c.add(activeContent, what, fault.Textf("%s in a mail is removed and looks like an attack", what), fault.Text{})
	}
	for _, what := range slices.Compact(p.forms) {
		c.add(formContent, strings.Trim(what, ">"), fault.Textf("%s does not work in most clients", what), fault.Textf("link to a page with the form"))
	}
}

func tiny(size string) bool {
	size = strings.TrimSuffix(strings.TrimSpace(size), "px")
	return size == "0" || size == "1"
}

// shown keeps a data: image out of messages.
func shown(src string) string {
	if len(src) > 80 {
		return src[:40] + "…"
	}
	return src
}
