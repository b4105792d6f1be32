package list_test

import (
	"strings"
	"testing"

	"hongyan/internal/fault"
	"hongyan/internal/list"
)

func texts(notes []fault.Text) string {
	var all []string
	for _, n := range notes {
		all = append(all, n.String())
	}
	return strings.Join(all, "; ")
}

func TestAddressesAreReadAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	const read = "is read as"
	for _, c := range []struct{ written, address, name, note string }{
		{"li@example.com", "li@example.com", "", ""},
		{"Li.Ming@Example.COM", "Li.Ming@example.com", "", ""},
		{"  li@example.com\t", "li@example.com", "", ""},
		{"o'brien+news@example.com", "o'brien+news@example.com", "", ""},
		{"li@xn--fiqs8s.cn", "li@xn--fiqs8s.cn", "", ""},
		{"张三 <a@b.cn>", "a@b.cn", "张三", ""},
		{"张三<a@b.cn>", "a@b.cn", "张三", ""},
		{`"张三" <a@b.cn>`, "a@b.cn", "张三", ""},
		{`"Zhang, San" <a@b.cn>`, "a@b.cn", "Zhang, San", ""},
		{"<a@b.cn>", "a@b.cn", "", ""},
		{"张三＜a@b.cn＞", "a@b.cn", "张三", ""},
		{"张三 （销售） <a@b.cn>", "a@b.cn", "张三 （销售）", ""},
		{"李四＠例子。ｃｏｍ", "", "", ""},
		{"li＠example．com", "li@example.com", "", read},
		{"ｌｉ＠ｑｑ。ｃｏｍ", "li@qq.com", "", read},
		{"１２３４５＠qq.com", "12345@qq.com", "", read},
		{"\u00a0li@example.com\u00a0", "li@example.com", "", read},
		{"li@exam\u200bple.com", "li@example.com", "", read},
		{"\ufeffli@example.com", "li@example.com", "", read},
		{"\u202eli@example.com\u202c", "li@example.com", "", read},
		{"　li@example.com　", "li@example.com", "", read},
		{`"li@example.com"`, "li@example.com", "", read},
		{"'li@example.com'", "li@example.com", "", read},
		{"“li@example.com”", "li@example.com", "", read},
		{"mailto:li@example.com", "li@example.com", "", read},
		{"MAILTO:li@example.com?subject=x", "li@example.com", "", read},
		{"li@例子.中国", "li@xn--fsqu00a.xn--fiqs8s", "", "the domain 例子.中国 goes on the wire as xn--fsqu00a.xn--fiqs8s"},
		{"li@bücher.example", "li@xn--bcher-kva.example", "", "goes on the wire as"},
	} {
		address, name, notes, f := list.ParseAddress(c.written)
		if c.address == "" {
			if f == nil {
				t.Errorf("%q was taken as %q", c.written, address)
			}
			continue
		}
		if f != nil {
			t.Errorf("%q: %v", c.written, f)
			continue
		}
		if address != c.address || name != c.name {
			t.Errorf("%q = %q, %q, want %q, %q", c.written, address, name, c.address, c.name)
		}
		if got := texts(notes); (got == "") != (c.note == "") || !strings.Contains(got, c.note) {
			t.Errorf("%q has the notes %q, want %q", c.written, got, c.note)
		}
	}
}

func TestWhatIsNoAddressIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 65)
	for written, want := range map[string]string{
		"":                                      "there is no address",
		" \u00a0":                               "there is no address",
		"张三 <>":                                 "there is no address",
		"not-an-email":                          "there is no @",
		"a@b@c.cn":                              "several @",
		"a@b.cn;c@d.cn":                         "several @",
		"a@b.cn c@d.cn":                         "several @",
		"<a@b.cn>, <c@d.cn>":                    "more than one address",
		"<a@b.cn> SIZE=1":                       "text behind the >",
		"@b.cn":                                 "nothing stands before the @",
		"a@":                                    "nothing stands behind the @",
		long + "@b.cn":                          "longer than 64 bytes",
		"a@" + strings.Repeat("b.", 126) + "cn": "is not a domain",
		"a@" + strings.Repeat(strings.Repeat("b", 60)+".", 4) + "cn.example": "",
		"a@b":                      "is not a domain",
		"a@localhost":              "is not a domain",
		"a@127.0.0.1":              "is not a domain",
		"a@[127.0.0.1]":            "is not a domain",
		"a@-b.cn":                  "is not a domain",
		"a@b-.cn":                  "is not a domain",
		"a@b_c.cn":                 "is not a domain",
		"a@b..cn":                  "did you mean b.cn",
		"a@qq,com":                 "did you mean qq.com",
		"a@qqcom":                  "did you mean qq.com",
		"a@qq.com.":                "did you mean qq.com",
		".a@b.cn":                  "has a dot",
		"a.@b.cn":                  "has a dot",
		"a..b@c.cn":                "has a dot",
		"a b@c.cn":                 `holds " "`,
		`"a b"@c.cn`:               `holds "\""`,
		"a(x)@c.cn":                `holds "("`,
		"a,b@c.cn":                 `holds ","`,
		"张三@c.cn":                  "which mail servers do not take",
		"a@b.cn\r\nBcc: x@y.cn":    "line break",
		"a@b.cn> NOTIFY=NEVER":     "is not a domain",
		"a\x00b@c.cn":              "control character",
		"李四\nBcc: x@y.cn <a@b.cn>": "display name",
		"a@b.cn\x1b[31m":           "control character",
		"a@\u2028b.cn":             "is not a domain",
	} {
		address, _, _, f := list.ParseAddress(written)
		if f == nil {
			t.Errorf("%q was taken as %q", written, address)
			continue
		}
		if !strings.Contains(f.Error(), want) {
			t.Errorf("%q: %v, want %q", written, f, want)
		}
	}
}

func TestSlipsAreSuggestedAndNeverChanged(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"qq.con": "qq.com", "qq.cm": "qq.com", "qq.co": "qq.com", "163.con": "163.com", "126.ocm": "126.com",
		"gmial.com": "gmail.com", "gmai.com": "gmail.com", "gmaill.com": "gmail.com", "gnail.com": "gmail.com",
		"hotmial.com": "hotmail.com", "outlok.com": "outlook.com", "foxmai.com": "foxmail.com", "iclould.com": "icloud.com",
		"gmial.con": "gmail.com", "yeah.nte": "yeah.net", "example.con": "example.com", "vip.qq.con": "vip.qq.com",
		"qq.com": "", "163.com": "", "163.net": "", "vip.163.com": "", "mail.com": "", "ymail.com": "", "email.com": "",
		"example.cn": "", "sina.cn": "", "sina.com": "", "yeah.net": "", "189.cn": "", "tencent.com": "", "example.co": "",
	} {
		address, _, notes, f := list.ParseAddress("li@" + host)
		if f != nil || address != "li@"+host {
			t.Errorf("%s was changed to %s (%v)", host, address, f)
		}
		if want == "" && len(notes) > 0 {
			t.Errorf("%s: %s", host, texts(notes))
		}
		if want != "" && texts(notes) != host+": did you mean "+want+"?" {
			t.Errorf("%s: got %q, want %s", host, texts(notes), want)
		}
	}
}

func TestTheSameMailboxHasTheSameKey(t *testing.T) {
	t.Parallel()
	if list.Key("Li.Ming@qq.com") != list.Key("li.ming@QQ.com") {
		t.Error("case makes a difference")
	}
	if list.Key("li@qq.com") == list.Key("lv@qq.com") {
		t.Error("two mailboxes have one key")
	}
}

func TestAPlainAddressCostsNoMemory(t *testing.T) {
	for _, address := range []string{"zhang.san_123@qq.com", "li@example.com", "li@some-company.com.cn"} {
		n := testing.AllocsPerRun(100, func() {
			if _, _, _, f := list.ParseAddress(address); f != nil {
				t.Fatal(f)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", address, n)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"a@b.cn", "张三 <a@b.cn>", "ａ＠ｂ．ｃｎ", "mailto:a@b.cn?x", `"a" <a@b.cn>`, "a@例子.中国", "a@qq.con", "a@b.cn\r\nRCPT TO:<x@y.cn>", "<<a@b.cn>>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		address, name, _, bad := list.ParseAddress(s)
		if bad != nil {
			_ = bad.Error()
			return
		}
		if strings.ContainsAny(address, " \r\n\t<>\"(),:;[]\\\x00") || strings.Count(address, "@") != 1 {
			t.Errorf("%q was taken as %q", s, address)
		}
		for i := range len(address) {
			if address[i] < '!' || address[i] > '~' {
				t.Errorf("%q was taken as %q", s, address)
			}
		}
		if strings.ContainsAny(name, "\r\n\x00") {
			t.Errorf("%q has the name %q", s, name)
		}
		again, _, _, bad := list.ParseAddress(address)
		if bad != nil || again != address {
			t.Errorf("%q became %q and that %q (%v)", s, address, again, bad)
		}
	})
}
