package web_test

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/preview/browser"
	"hongyan/internal/web"
	"hongyan/internal/web/login"
	"hongyan/internal/web/webtest"
)

var shots = flag.String("shots", "", "folder for the README's pictures; make screenshots")

// lively is an office on a Monday morning.
func lively(t *testing.T) *house {
	t.Helper()
	h := build(t, 400)
	welcome := weekly(60)
	welcome.Name, welcome.Subject, welcome.Schedule, welcome.Next, welcome.Issue = "welcome", "欢迎加入鸿雁", "", nil, "main"
	welcome.Accounts = []string{"relay"}
	h.Add(welcome)
	h.Add(webtest.Campaign{Campaign: web.Campaign{
		Name: "invitation", File: "campaigns/invitation.yaml", Subject: "年会邀请", Accounts: []string{"relay"},
		Faults: fault.Faults{fault.At("campaigns/invitation.yaml", 7, "unknown key %q", "attachement").Hinted("did you mean %q?", "attachment")},
	}})
	h.Hire(web.Account{Name: "relay", Provider: "custom", Address: "news@example.com", Pace: 0.5, Windows: []web.Window{{Name: "5000/hour", Max: 5000}, {Name: "20000/day", Max: 20000}}, Learned: []fault.Text{fault.Textf("50%% of the configured pace since the server wanted less")}})
	if err := h.Start(t.Context(), ledger.Key{Campaign: "welcome", Issue: "main"}, "wang"); err != nil {
		t.Fatal(err)
	}
	begin := time.Now().Add(-8 * time.Minute)
	for i := range 7 {
		if _, err := h.Step(t.Context(), 10, begin.Add(time.Duration(i)*9*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	h.start()
	for i := range 60 {
		if _, err := h.Step(t.Context(), 3+i%4, begin.Add(time.Duration(i)*8*time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	hold := ledger.Hold{Account: "relay", Since: time.Now(), Until: time.Now().Add(time.Hour), Reason: "the server wants fewer mails for a while", Rule: "generic/451-rate", Reply: "451 4.7.1 Too many messages, slow down"}
	if err := h.Store.Hold(t.Context(), hold); err != nil {
		t.Fatal(err)
	}
	h.post("/acts/suppress", url.Values{"address": {"gone@example.com, left@example.com"}, "list": {"weekly"}, "reason": {"asked by phone"}})
	h.post("/acts/pause", url.Values{"campaign": {"weekly"}, "issue": {"2026-11-23T09:00"}})
	h.post("/acts/resume", url.Values{"campaign": {"weekly"}, "issue": {"2026-11-23T09:00"}})
	return h
}

// TestScreenshots takes the README's pictures of the dashboard when it is given
// a folder. Without one it still looks at every page on a desk and in a hand.
func TestScreenshots(t *testing.T) {
	h := lively(t)
	issue := "/issues/weekly/2026-11-23T09:00"
	page := browser.Test(t, "about:blank")
	for _, view := range []struct {
		name, path, lang string
		width            int64
		dark             bool
	}{
		{"overview", "/", "en", 1280, false},
		{"overview-dark", "/", "zh", 1280, true},
		{"overview-mobile", "/", "zh", 390, false},
		{"issue", issue, "en", 1280, false},
		{"issue-zh", issue, "zh", 1280, false},
		{"issue-dark", issue, "en", 1280, true},
		{"issue-mobile", issue, "en", 390, true},
		{"campaign", "/campaigns/weekly", "en", 1280, false},
		{"campaigns", "/campaigns", "zh", 1280, false},
		{"preview", "/campaigns/weekly/preview?n=7", "en", 1280, false},
		{"preview-mobile", "/campaigns/weekly/preview?n=7", "zh", 390, false},
		{"accounts", "/accounts", "en", 1280, false},
		{"suppressions", "/suppressions", "zh", 1280, false},
		{"suppressions-mobile", "/suppressions", "en", 390, false},
		{"settle", "/settle", "en", 1280, false},
		{"log", "/log", "zh", 1280, true},
		{"start", "/acts/start?campaign=weekly", "en", 1280, false},
	} {
		page.Go(h.url + "/lang")
		page.Run(fmt.Sprintf("document.cookie = 'hongyan-lang=%s; path=/'", view.lang))
		page.Dark(view.dark)
		page.Size(view.width, 860, 1.5)
		page.Go(h.url + view.path)
		page.Until(`document.readyState === "complete" && document.querySelector("h1")`)
		page.Until(`[...document.querySelectorAll("[data-fetch]")].every(part => part.querySelector("dl"))`)
		page.Until(`!document.querySelector("[data-curve]") || document.querySelector("[data-curve] canvas")`)
		if wide := page.Eval("document.documentElement.scrollWidth"); wide > float64(view.width) {
			t.Errorf("%s: %v points wide on a screen of %d", view.name, wide, view.width)
		}
		if *shots != "" {
			file := filepath.Join(*shots, "dashboard-"+view.name+".png")
			if err := os.WriteFile(file, browser.Small(t, page.View()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestABrowserLogsInAndWatchesARunToItsEnd goes the way of a person on a Monday.
func TestABrowserLogsInAndWatchesARunToItsEnd(t *testing.T) {
	h := build(t, 90)
	if err := login.SetPassword(t.Context(), h.Store, "correct horse battery"); err != nil {
		t.Fatal(err)
	}
	if err := h.Store.Hold(t.Context(), ledger.Hold{Account: "qq", Since: time.Now(), Human: true, Reason: "the login was refused"}); err != nil {
		t.Fatal(err)
	}
	page := browser.Test(t, h.url)
	text := func(want string) string { return fmt.Sprintf("document.body.innerText.includes(%q)", want) }
	follow := func(selector, want string) {
		t.Helper()
		page.Click(selector)
		page.Until(text(want))
	}
	page.Until(`document.querySelector("input[name=password]")`)
	page.Type("#name", "li")
	page.Type("#password", "wrong horse")
	follow("form .primary", "that is not the password")
	page.Type("#password", "correct horse battery")
	follow("form .primary", "Account qq is held")

	follow(`a[href^="/acts/lift"]`, "Lift the hold of qq?")
	follow("#sure", "The hold is lifted.")
	follow(`.menu a[href="/campaigns"]`, "The week of the geese")
	follow(`a[href="/campaigns/weekly"]`, "an image has no text") // fetched by the script
	follow(`a[href="/campaigns/weekly/preview"]`, "Reader 0")
	page.Until(`document.querySelector("iframe[sandbox]")`)
	page.Press("j")
	page.Until(text("Reader 1 "))

	page.Go(h.url + "/campaigns/weekly")
	follow(`a[href^="/acts/start"]`, "What has left cannot be called back.")
	follow("#sure", "The issue is started.")
	page.Go(h.url + "/issues/weekly/2026-11-23T09:00")
	page.Until(`"following" in document.body.dataset`)
	page.Run(`window.button = document.querySelector("#pause"); window.end = performance.now() + 3000
		document.querySelector("#q").focus()
		button.dispatchEvent(new PointerEvent("pointerdown", {bubbles: true}))
		button.focus()`) // as a press does
	h.step(30)
	page.Until(`performance.now() > end`)
	page.Until(`button.isConnected && document.querySelector(".figures li.queued b").innerText === "90"`)
	page.Run(`button.dispatchEvent(new PointerEvent("pointerup", {bubbles: true}))`)
	page.Until(text("queued")) // and the figures follow
	page.Until(`[...document.querySelectorAll(".figures li.queued b")].some(b => b.innerText === "60")`)
	page.Until(`document.querySelector("[data-curve] canvas")`)
	follow("#pause", "The issue is paused")
	h.step(30) // nothing leaves
	follow("#resume", "The issue goes on.")
	page.Until(`"following" in document.body.dataset`)
	h.step(100)
	page.Until(text("ended"))
	page.Until(`!document.querySelector(".figures li.queued")`)

	page.Run(`document.querySelector("#state").value = "refused"; document.querySelector("#q").value = "non-existent"`)
	page.Click("form[role=search] button")
	page.Until(`location.search.includes("state=refused") && document.querySelectorAll("#recipients tbody tr").length === 8`)
	long := weekly(60_000)
	long.Name, long.Issue = "long", "main"
	h.Add(long)
	if err := h.Start(t.Context(), ledger.Key{Campaign: "long", Issue: "main"}, "li"); err != nil {
		t.Fatal(err)
	}
	page.Go(h.url + "/issues/long/main?q=reader59999") // the script goes on where a page has looked for long enough
	page.Until(`document.querySelectorAll("#recipients tbody tr").length === 1 && document.body.innerText.includes("reader59999@example.com")`)
	page.Go(h.url + "/issues/long/main?q=nobody-is-called-so")
	page.Until(text("Nobody") + ` && !document.querySelector("[data-onward]")`)
	page.Go(h.url + "/log")
	page.Until(text("li") + " && " + text("resume") + " && " + text("lift"))
	follow("form[action='/logout'] button", "Your name")
	page.Go(h.url + "/log")
	page.Until(`document.querySelector("input[name=password]")`)
}
