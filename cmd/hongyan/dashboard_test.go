package main

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hongyan/internal/preview/browser"
)

// TestPeopleAtTheRealService goes the way of two people through the program as it
// is installed: one of ours, who logs in, watches an issue to its end and sees
// another through a throttle, and a recipient, who leaves by the link of the mail that came.
func TestPeopleAtTheRealService(t *testing.T) {
	t.Parallel()
	dir, public := t.TempDir(), vacant(t)
	for name, text := range map[string]string{
		"config.yaml":         "account: sandbox\nunsubscribe: {url: \"http://" + public + "/u\", listen: " + public + "}\n",
		"campaigns/news.yaml": "name: news\nlist: weekly\ntemplate: letter.md\nrecipients: list.csv\nsubject: \"News for {{.name}}\"\n",
		"campaigns/letter.md": "Dear {{.name}}, all is well.\n",
		"campaigns/list.csv":  readers(30) + "nobody@example.com,Qian\n",
		"campaigns/calm.yaml": "name: calm\nlist: weekly\ntemplate: letter.md\nrecipients: few.csv\nsubject: Calm\n",
		"campaigns/few.csv":   readers(2) + "throttle@example.com,Zhao\n" + "sun@example.com,Sun\n",
	} {
		put(t, filepath.Join(dir, name), text)
	}
	runs(t, dir, "correct horse battery\n", "password")
	url := began(t, dir)
	page := browser.Test(t, url)

	v := visitor{page}
	v.logsIn()
	v.looksThrough(url + "campaigns/news")
	v.starts(url+"campaigns/news", url+"issues/news/main")
	v.Until(`document.body.innerText.includes("ended") && document.querySelector(".figures li.sent b").innerText === "30"`)
	v.filters()
	v.starts(url+"campaigns/calm", url+"issues/calm/main")
	v.calms(url)
	link := linkIn(t, mailTo(t, filepath.Join(dir, "state"), "reader7@example.com"))
	v.scans(link, url)
	v.leaves(link)
	v.Go(url + "suppressions?q=reader7")
	v.reads("reader7@example.com", "weekly", "信太多了")
	v.Go(url + "log")
	v.reads("resubscribe", "unsubscribe", "pause", "resume", "lift", "start")
}

// TestTheHealthCheckNeedsNoCertificateWhereVisitorsDo: a container would be taken
// for ill for ever.
func TestTheHealthCheckNeedsNoCertificateWhereVisitorsDo(t *testing.T) {
	t.Parallel()
	dir, other := t.TempDir(), httptest.NewTLSServer(nil)
	pair := other.TLS.Certificates[0]
	other.Close()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	put(t, filepath.Join(dir, "cert.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	put(t, filepath.Join(dir, "key.pem"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	put(t, filepath.Join(dir, "config.yaml"), "account: sandbox\nserve: {tls_cert: cert.pem, tls_key: key.pem, client_ca: cert.pem}\n")
	put(t, filepath.Join(dir, "campaigns", "none.txt"), "")
	address := strings.Trim(strings.TrimPrefix(began(t, dir), "https:"), "/")
	runs(t, dir, "", "serve", "--ready", "--listen", address)
	cmd := program(t.Context(), dir, "serve", "--ready", "--listen", vacant(t))
	if said, err := cmd.CombinedOutput(); err == nil {
		t.Errorf("where nobody is: %s", said)
	}
}

func readers(n int) string {
	var list strings.Builder
	list.WriteString("email,name\n")
	for i := range n {
		fmt.Fprintf(&list, "reader%d@example.com,Reader %d\n", i, i)
	}
	return list.String()
}

// A visitor reads what a page says and goes where it leads.
type visitor struct{ browser.Tester }

func (v visitor) reads(texts ...string) {
	for _, text := range texts {
		v.Until(fmt.Sprintf("document.body.innerText.includes(%q)", text))
	}
}

func (v visitor) follows(selector, text string) {
	v.Click(selector)
	v.reads(text)
}

func (v visitor) logsIn() {
	v.Until(`document.querySelector("input[name=password]")`)
	v.Type("#name", "li")
	v.Type("#password", "correct horse battery")
	v.follows("form .primary", "Nothing is being sent.")
}

// looksThrough turns the mails of a campaign over.
func (v visitor) looksThrough(campaign string) {
	v.Go(campaign + "/preview")
	v.reads("News for Reader 0")
	v.Until(`document.querySelector("iframe[sandbox]")`)
	v.Press("j")
	v.reads("News for Reader 1")
}

// starts begins an issue and stays on its page, which follows it.
func (v visitor) starts(campaign, issue string) {
	v.Go(campaign)
	v.follows(`a[href^="/acts/start"]`, "What has left cannot be called back.")
	v.follows("#sure", "The issue is started.")
	v.Go(issue)
}

func (v visitor) filters() {
	v.Run(`document.querySelector("#state").value = "refused"; document.querySelector("#q").value = "non-existent"`)
	v.Click("form[role=search] button")
	v.Until(`location.search.includes("state=refused") && document.querySelectorAll("#recipients tbody tr").length === 1`)
	v.reads("nobody@example.com")
}

// calms sees an issue through a throttle: the account is held until a person
// lifts it, so that nothing here is a race against the sending.
func (v visitor) calms(url string) {
	v.Until(`document.querySelector(".tag.held")`)
	v.reads("Too many attempts")
	v.follows("#pause", "The issue is paused")
	v.follows("#resume", "The issue goes on.")
	v.Until(`document.querySelector(".tag.held")`)
	v.Go(url)
	v.reads("Account sandbox is held")
	v.follows(`a[href^="/acts/lift"]`, "Lift the hold of sandbox?")
	v.follows("#sure", "The hold is lifted.")
	v.Go(url + "issues/calm/main")
	v.Until(`document.querySelector(".figures li.sent b").innerText === "4"`)
}

// scans follows a link as the scanner of a mail provider does that runs a whole
// browser: nobody has left by it (S23).
func (v visitor) scans(link, url string) {
	v.Go(link)
	v.reads("Unsubscribe?")
	v.Until(`document.readyState === "complete" && document.scripts.length === 0 && performance.now() > 1000`)
	v.Go(url + "suppressions?q=reader7")
	v.reads("Nobody is suppressed.")
}

// leaves is a recipient who leaves, comes back, and leaves again with a word
// about it.
func (v visitor) leaves(link string) {
	v.Speak("zh-CN")
	v.Go(link)
	v.reads("要退订吗？")
	v.follows("button[value=leave]", "您已退订")
	v.follows("button[value=back]", "您已重新订阅")
	v.Go(link)
	v.Type("#reason", "信太多了")
	v.follows("button[value=leave]", "您已退订")
	v.Speak("en")
}

func linkIn(t *testing.T, mail string) string {
	t.Helper()
	link, _, ok := strings.Cut(strings.TrimPrefix(headerOf(mail, "List-Unsubscribe"), "<"), ">")
	if !ok {
		t.Fatal("the mail has no link to leave by")
	}
	return link
}

// vacant is an address of this machine that nobody listens on.
func vacant(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// runs runs the program to its end.
func runs(t *testing.T, dir, in string, args ...string) {
	t.Helper()
	cmd := program(t.Context(), dir, args...)
	cmd.Stdin = strings.NewReader(in)
	if said, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("hongyan %s: %v\n%s", args, err, said)
	}
}

// program is the program as it is installed; see [TestMain].
func program(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "hongyan", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LANG=C", "HONGYAN_LANG=en")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute
	return cmd
}

// began starts the service and returns where its dashboard is. It is ended with
// the test, and has to end well.
func began(t *testing.T, dir string) (url string) {
	t.Helper()
	ctx, end := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := program(ctx, dir, "serve", "--listen", "127.0.0.1:0")
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	address, over := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(over)
		for lines := bufio.NewScanner(said); lines.Scan(); {
			t.Log(lines.Text())
			if m := dashboardLine.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
	}()
	t.Cleanup(func() {
		end()
		<-over
		if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() != 0 {
			t.Errorf("the service ended with %v", err)
		}
	})
	select {
	case url = <-address:
	case <-over:
		t.Fatal("the service did not begin")
	}
	return url
}

var dashboardLine = regexp.MustCompile(`^The dashboard is on (http\S+)$`)
