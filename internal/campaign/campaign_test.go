package campaign_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hongyan/internal/campaign"
	"hongyan/internal/fault"
	"hongyan/internal/lint"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func source(t *testing.T, name string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestACampaignIsReadAsItStands(t *testing.T) {
	t.Parallel()
	got, err := campaign.Parse("campaigns/good.yaml", source(t, "good.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got.Lines["recipients.where"] != 14 || got.Lines["subject"] != 4 || got.Lines["headers.X-Campaign"] != 22 {
		t.Errorf("lines %v", got.Lines)
	}
	if o := got.ListOptions(); o.File != "campaigns/good.yaml" || o.Lines["where"] != 14 || o.Delimiter != "tab" {
		t.Errorf("list options %+v", o)
	}
	got.Lines = nil
	zone, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	want := &campaign.Campaign{
		File: "campaigns/good.yaml", Dir: "campaigns", Name: "双十一-2026",
		Accounts: []string{"qq", "qq2"}, Subject: "{{.name}}，欢迎加入", Preheader: "查看详情",
		Template: "templates/welcome.md", Layout: "campaigns/layouts/mine.html",
		ReplyTo: "张三 <hello@example.com>", Issue: "12", List: "月报", Links: "inline",
		Recipients: campaign.Source{
			File: "campaigns/lists/members.csv", Encoding: "gb18030", Delimiter: "tab",
			Email: "邮箱", Rows: "3,9-14,22-", Where: `city == "北京"`,
		},
		Attachments: []campaign.Attachment{
			{File: "brochure.pdf", Line: 17},
			{File: "invoices/{{.invoice}}.pdf", Line: 18},
			{File: "a.pdf", Name: "发票-{{.name}}.pdf", Line: 19},
		},
		AttachmentsRoot: "campaigns/files",
		Headers: []campaign.Header{
			{Name: "X-Campaign", Value: "0123", Line: 22},
			{Name: "List-Unsubscribe", Value: "<mailto:out@example.com?subject={{.code}}>", Line: 23},
		},
		Theme: map[string]string{"brand": "#c00", "width": "600", "logo": "yes"},
		Lint:  lint.Options{Clients: lint.Clients{"qq": 0.5, "gmail": 0.3}, Ignore: []string{"link-vague"}},
		Invite: &campaign.Invite{
			Start: "2026-12-05 14:00", End: "{{.until}}", Summary: "{{.name}}的座位", Location: "东京",
			Description: "第一行\n{{.name}}\n", Organizer: "李四 <li@example.com>", Method: "request", Sequence: 2, Zone: zone,
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestAllFaultsComeAtOnce(t *testing.T) {
	t.Parallel()
	_, err := campaign.Parse("faulty.yaml", source(t, "faulty.yaml"))
	faults, ok := errors.AsType[fault.Faults](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	golden(t, "faulty.golden", faults.Error()+"\n")
}

func TestAShortCampaignHasDefaults(t *testing.T) {
	t.Parallel()
	c, err := campaign.Parse("welcome.yaml", []byte("name: a\ntemplate: a.md\nrecipients: a.csv\naccount:\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Accounts != nil || c.Subject != "" || c.Layout != "" || c.AttachmentsRoot != "." || c.Recipients.File != "a.csv" {
		t.Errorf("got %+v", c)
	}
}

const head = "name: a\ntemplate: a.md\nrecipients: a.csv\n"

func TestTextsStayAsTheyAreWritten(t *testing.T) {
	t.Parallel()
	for _, written := range []string{"0123", "2026-11-23", "yes", "no", "on", "true", "1.50", "1e3", ".inf", "0x1F", "12:30:00", "1_000"} {
		c, err := campaign.Parse("a.yaml", []byte(head+"theme: {v: "+written+"}\n"))
		if err != nil {
			t.Errorf("%s: %v", written, err)
			continue
		}
		if c.Theme["v"] != written {
			t.Errorf("%s became %q", written, c.Theme["v"])
		}
	}
}

func TestAnAliasStandsForItsAnchor(t *testing.T) {
	t.Parallel()
	c, err := campaign.Parse("a.yaml", []byte(head+"subject: &s 你好\npreheader: *s\nlayout: !!str 012\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Preheader != "你好" || c.Layout != "012" {
		t.Errorf("got %q and %q", c.Preheader, c.Layout)
	}
}

func TestFaultsOfShapeNameTheirCure(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"":                                   "c.yaml: the file is empty",
		"# nothing\n":                        "c.yaml: the file is empty",
		"- a\n":                              "c.yaml:1: a campaign is a list of keys with values",
		"just words\n":                       "c.yaml:1: a campaign is a list of keys with values",
		head + "subject: \xc7\xef\xbc\xbe\n": "c.yaml:4: this is not UTF-8\n    save the file as UTF-8", // GBK
		"\xff\xfen\x00a\x00":                 "c.yaml:1: this is not UTF-8\n    save the file as UTF-8", // UTF-16
		head + "subject: {{.name}}，欢迎\n": "c.yaml:4: this is not YAML: could not find flow map content\n" +
			"    a value that begins with {{ must stand in quotes",
		head + "\tsubject: a\n": "    indent with spaces, not with tabs",
		head + "subject: 通知: 请看\n": "c.yaml:4: this is not YAML: mapping value is not allowed in this context\n" +
			"    a value that holds a colon and a blank must stand in quotes",
		head + "---\n" + head:                                "c.yaml:5: there is a second document behind ---\n    one document in each file",
		head + "theme: " + strings.Repeat("[", 100_000):      "c.yaml:4: values stand in values more than 64 deep",
		head + "name: b\n":                                   "c.yaml:4: the key name stands here again, first in line 1",
		head + "accounts: qq\n":                              "c.yaml:4: accounts must be a list, not a single value\n    like [one, two]",
		head + "accounts: []\n":                              "c.yaml:4: accounts is empty\n    leave it out to use the default account",
		head + "attachments: [{name: x}]\n":                  "c.yaml:4: an attachment without a file",
		head + "subject: *nowhere\n":                         "c.yaml:4: subject must be a text, not an alias that leads nowhere",
		head + "<<: {a: b}\n":                                `c.yaml:4: unknown key "<<"`,
		"template: a.md\nrecipients: a.csv\n":                "c.yaml: the key name is missing",
		"name: a\ntemplate: a.md\nrecipients: {email: x}\n":  "c.yaml:3: the key recipients.file is missing",
		"name: a/b\ntemplate: a.md\nrecipients: a.csv\n":     `c.yaml:1: the name "a/b" cannot be the name of a folder`,
		"name: .hidden\ntemplate: a.md\nrecipients: a.csv\n": `c.yaml:1: the name ".hidden" cannot be`,
	} {
		_, err := campaign.Parse("c.yaml", []byte(src))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", src, err, want)
		}
	}
}

func TestTheBOMOfAnEditorIsNoFault(t *testing.T) {
	t.Parallel()
	if _, err := campaign.Parse("a.yaml", []byte("\ufeff"+head)); err != nil {
		t.Error(err)
	}
}

// folder makes a campaign's folder with the files that Check looks for.
func folder(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func check(t *testing.T, dir, more string) string {
	t.Helper()
	c, err := campaign.Parse(filepath.Join(dir, "c.yaml"), []byte(head+more))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(c.Check().Error(), dir+string(filepath.Separator), "")
}

func TestCheckFindsWhatIsNotThere(t *testing.T) {
	t.Parallel()
	dir := folder(t, "a.mdx", "brochure.pdf")
	if err := os.Mkdir(filepath.Join(dir, "a.csv"), 0o755); err != nil {
		t.Fatal(err)
	}
	got := check(t, dir, "layout: mine.html\nreply_to: nobody\nattachments: [brochure.pdf, brochrue.pdf, \"{{.x}}.pdf\"]\n")
	want := `c.yaml:2: template: there is no file a.md
    did you mean "a.mdx"?
c.yaml:3: recipients: a.csv is not a file
c.yaml:4: layout: there is no file mine.html
c.yaml:5: reply_to: "nobody" is not an address: there is no @
c.yaml:6: attachments: there is no file brochrue.pdf
    did you mean "brochure.pdf"?`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestCheckIsContentWhenAllIsThere(t *testing.T) {
	t.Parallel()
	dir := folder(t, "a.md", "a.csv", "files/b.pdf", "files/sub/c.pdf")
	got := check(t, dir, "reply_to: 张三 <a@b.cn>\nlayout: plain\nattachments_root: files\nattachments: [b.pdf, sub/c.pdf, sub/../b.pdf]\n")
	if got != "" {
		t.Errorf("got\n%s", got)
	}
}

func TestNoAttachmentLeavesItsFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t, "a.md", "a.csv", "secret.txt", "files/b.pdf")
	link := filepath.Join(dir, "files", "link.pdf")
	if err := os.Symlink(filepath.Join(dir, "secret.txt"), link); err != nil {
		t.Skip("no symbolic links here")
	}
	for _, name := range []string{"../secret.txt", "/etc/passwd", "link.pdf", "b/../../secret.txt", `sub/../../secret.txt`} {
		got := check(t, dir, fmt.Sprintf("attachments_root: files\nattachments: [%q]\n", name))
		if !strings.Contains(got, "c.yaml:5: attachments: "+name+" lies outside the folder files") {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestTheFolderOfAttachmentsMustBeThere(t *testing.T) {
	t.Parallel()
	got := check(t, folder(t, "a.md", "a.csv"), "attachments_root: flies\n")
	if want := "c.yaml:4: attachments_root: there is no folder flies"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"good.yaml", "faulty.yaml"} {
		src, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte("a: &a [*a]\nname: *a\n"))
	f.Add([]byte("name: !!map\n? [a]\n: b"))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := campaign.Parse("c.yaml", src)
		faults, ok := errors.AsType[fault.Faults](err)
		if ok != (err != nil) || ok && len(faults) == 0 || c == nil && !ok {
			t.Fatalf("a campaign %v with the error %v", c, err)
		}
		if !ok && (c.Name == "" || strings.ContainsAny(c.Name, `/\`) || c.Template == "" || c.Recipients.File == "") {
			t.Errorf("taken without a safe name, template or list: %+v", c)
		}
	})
}
