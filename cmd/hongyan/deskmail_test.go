package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hongyan/internal/catalogue"
	"hongyan/internal/ledger"
	"hongyan/internal/office"
	"hongyan/internal/report"
	"hongyan/internal/web"
)

func TestAPreviewHasTheLinksOfTheMailItself(t *testing.T) {
	t.Parallel()
	files := letterFiles(2)
	files["config.yaml"] += "unsubscribe: {url: \"https://mail.example.com/u\"}\nstorage: {url: \"https://mail.example.com/files\"}\n"
	files["campaigns/news.yaml"] += "attachments: [{file: plan.bin, as: link, expires: 30d}]\n"
	files["campaigns/letter.md"] = "Dear {{.name}}, [the plan]({{download \"plan.bin\"}}) or [leave]({{unsubscribe_url}}).\n"
	files["campaigns/plan.bin"] = "A plan."
	mail, err := served(t, files).Preview(t.Context(), ledger.Key{Campaign: "news"}, 1)
	if err != nil || !strings.Contains(mail.HTML, "https://mail.example.com/u/") || !strings.Contains(mail.HTML, "https://mail.example.com/files?") {
		t.Fatalf("%+v, %v", mail, err)
	}
	for _, f := range mail.Findings {
		if strings.HasPrefix(f.Rule, "link-") {
			t.Errorf("%s: %s", f.Rule, f.What)
		}
	}
}

// slowFiles are a campaign for each of three accounts: one that is slow, one whose
// server is not there, and the sandbox.
func slowFiles(t *testing.T) map[string]string {
	files := letterFiles(20)
	_, port, _ := strings.Cut(vacant(t), ":")
	files["config.yaml"] = "account: sandbox\naccounts:\n" +
		"  sandbox: {provider: sandbox, address: demo@qq.com, limits: {gap: none}}\n" +
		"  slow: {provider: sandbox, address: slow@qq.com, limits: {gap: 8s}}\n" +
		"  dead: {provider: custom, address: dead@example.com, host: 127.0.0.1, port: " + port + ", tls: none}\n"
	files["campaigns/list.csv"] += "empty@example.com,\n"
	for _, account := range []string{"slow", "dead"} {
		files["campaigns/"+account+".yaml"] = strings.Replace(files["campaigns/news.yaml"], "name: news", "name: "+account+"\naccount: "+account, 1)
	}
	delete(files, "campaigns/faulty.yaml")
	return files
}

// tests sends a test that is to be refused, with nobody having got a mail.
func (d desk) tests(t *testing.T, campaign, rows, why string) {
	t.Helper()
	sent, err := d.Test(t.Context(), ledger.Key{Campaign: campaign}, web.Test{To: []string{"me@example.com"}, Rows: rows})
	if refused(t, err, why); sent != 0 {
		t.Errorf("%d mails left", sent)
	}
}

func TestATestThatTakesLongIsRefusedBeforeItsFirstMail(t *testing.T) {
	t.Parallel()
	d := served(t, slowFiles(t))
	d.tests(t, "slow", "2-11", "the last of 10 mails could not leave before")
	until := time.Now().Add(2 * time.Hour)
	for _, hold := range []ledger.Hold{
		{Account: "sandbox", Until: until, Since: time.Now(), Reason: "rate", Reply: "550 too many"},
		{Account: "slow", Human: true, Since: time.Now(), Reason: "auth", Reply: "535 no"},
	} {
		if err := d.store.Hold(t.Context(), hold); err != nil {
			t.Fatal(err)
		}
	}
	d.tests(t, "news", "2", "account sandbox may not send before "+stamp(until))
	d.tests(t, "slow", "2", "account slow is held until a person acts: 535 no")
	if mails, err := filepath.Glob(filepath.Join(d.conf.Dir, "state", "sandbox", "*", "*.eml")); err != nil || mails != nil {
		t.Errorf("%q, %v", mails, err)
	}
}

func TestWhyATestCannotLeaveIsSaid(t *testing.T) {
	t.Parallel()
	d := served(t, slowFiles(t))
	d.tests(t, "news", "22", "name")
	d.tests(t, "news", "99999", "the list has no such rows")
	d.tests(t, "news", "all", "all")
	d.tests(t, "dead", "2", "127.0.0.1")
}

func TestADownloadedReportIsTheOneOnTheDisk(t *testing.T) {
	t.Parallel()
	files := letterFiles(2)
	files["config.yaml"] += "trace: {otlp: \"http://" + vacant(t) + "\", sample: 5/s}\n"
	files["campaigns/list.csv"] = "zone,mail,name\nnorth,a@example.com,A\nsouth,nobody@example.com,B\n"
	d := served(t, files)
	k := ledger.Key{Campaign: "news", Issue: "main"}
	if err := d.Start(t.Context(), k, "li"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it left the floor", func() bool { return d.sent(t, k) == 1 && d.standing(t, k) == "" })
	options, err := d.ReportOptions(t.Context(), k, "en")
	if err != nil {
		t.Fatal(err)
	}
	paths, err := report.Write(t.Context(), d.store, k, t.TempDir(), options)
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{paths.CSV, paths.Failed} {
		want := filepath.Join(d.conf.Dir, "reports", "news", filepath.Base(got))
		if contents(t, got) != contents(t, want) {
			t.Errorf("downloaded:\n%s\non the disk:\n%s", contents(t, got), contents(t, want))
		}
	}
	if csv := contents(t, paths.CSV); !strings.Contains(csv, "trace_id") {
		t.Errorf("no trace ids:\n%s", csv)
	}
	put(t, filepath.Join(d.conf.Dir, "campaigns", "list.csv"), "")
	if options, err = d.ReportOptions(t.Context(), k, "en"); err != nil || options.Trace == nil {
		t.Errorf("of a campaign whose list is at fault: %+v, %v", options, err)
	}
}

func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestWhatTheDeskSaysCanBeSaidInChinese(t *testing.T) {
	t.Parallel()
	files := letterFiles(2)
	files["config.yaml"] += "lint: {clients: {qq: 1}}\n"
	d := served(t, files)
	zh := catalogue.In("zh")
	draft, err := d.Draft(t.Context(), ledger.Key{Campaign: "news"})
	if list := zh.Text(draft.List); err != nil || !strings.Contains(list, "2 行") {
		t.Errorf("%s, %v", list, err)
	}
	unverified := false
	for _, f := range draft.Findings {
		unverified = unverified || f.Rule == "client-unverified"
		if hint := zh.Text(f.Hint); hint != "" && !strings.ContainsFunc(hint, func(r rune) bool { return r >= 0x4e00 }) {
			t.Errorf("%s: %s", f.Rule, hint)
		}
	}
	if !unverified {
		t.Errorf("nothing that only guides say: %+v", draft.Findings)
	}
	k := ledger.Key{Campaign: "news", Issue: "main"}
	stopped := office.Pause{Stopped: true, Why: "…", Changed: changedBy(&changed{k, []string{"~ letter.md"}})}
	if why := zh.Text(pausedJob(k, stopped).Why); why != "news/main 自开始后有改动：~ letter.md" {
		t.Error(why)
	}
}
