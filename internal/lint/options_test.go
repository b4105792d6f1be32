package lint_test

import (
	"reflect"
	"strings"
	"testing"

	"hongyan/internal/fault"
	"hongyan/internal/lint"
)

func TestWhatTheCampaignSaysOfLintCounts(t *testing.T) {
	t.Parallel()
	config := lint.Options{Clients: lint.Clients{"gmail": 1}, Ignore: []string{"contrast"}}
	if got := (lint.Options{}).Over(config); !reflect.DeepEqual(got, config) {
		t.Errorf("a campaign that says nothing: %v", got)
	}
	campaign := lint.Options{Clients: lint.Clients{"qq": 1}, Ignore: []string{}}
	if got := campaign.Over(config); !reflect.DeepEqual(got, campaign) {
		t.Errorf("a campaign that ignores nothing: %v", got)
	}
}

func TestAnIgnoredRuleIsNotHeardOf(t *testing.T) {
	t.Parallel()
	all := lint.Check(lint.Mail{Subject: "a", Text: []byte("hello"), HTML: []byte("<p>hello</p>")})
	got := lint.Options{Ignore: []string{"lang-missing"}}.Heed(all)
	if len(all) != len(got)+1 || strings.Contains(said(got), "lang-missing") || !strings.Contains(said(all), "lang-missing") {
		t.Errorf("got\n%s", said(got))
	}
}

func TestNamesThatNobodyKnowsAreMetWithTheNearest(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		check              func(string) (fault.Text, fault.Text)
		name, what, hinted string
	}{
		{lint.CheckClient, "gmial", `there is no mail client "gmial"`, `did you mean "gmail"?`},
		{lint.CheckClient, "nonsense", `there is no mail client "nonsense"`, "known are: aol, apple-mail, fastmail"},
		{lint.CheckRule, "img-alts", `there is no rule "img-alts"`, `did you mean "img-alt"?`},
	} {
		if what, hint := c.check(c.name); what.String() != c.what || !strings.HasPrefix(hint.String(), c.hinted) {
			t.Errorf("%s: %s (%s)", c.name, what, hint)
		}
	}
	for _, name := range []string{"qq", "netease", "gmail", "outlook/windows"} {
		if what, _ := lint.CheckClient(name); what.Format != "" {
			t.Error(what)
		}
	}
	if what, _ := lint.CheckRule("contrast"); what.Format != "" {
		t.Error(what)
	}
}

func TestOnlyReadersOfQQHearWhatIsSaidOfIt(t *testing.T) {
	t.Parallel()
	mail := lint.Mail{Subject: "a", HTML: []byte(`<p style="float:left">hello</p>`)}
	for rule, clients := range map[string]lint.Clients{"heard": nil, "heard too": {"gmail": 1, "netease": 0.1}, "": {"gmail": 1}} {
		mail.Clients = clients
		if got := strings.Contains(said(lint.Check(mail)), "client-unverified"); got != (rule != "") {
			t.Errorf("%v: %v", clients, got)
		}
	}
}

func TestTargetsAreWhatLeadsIntoTheWeb(t *testing.T) {
	t.Parallel()
	page := `<a href="https://a.cn/%E4%BD%A0?x=1&amp;y=2">a</a> <a href="mailto:x@y.cn">m</a> <a href="#here">h</a>
		<a href="https://a.cn/%E4%BD%A0?x=1&amp;y=2">again</a> <a href="http://127.0.0.1/">own</a>
		<img src="http://b.cn/p.png"> <img src="cid:x"> <a href="www.c.cn">no scheme</a>`
	got := lint.Targets(lint.Mail{HTML: []byte(page), TemplateSource: []byte("one\n[a](https://a.cn/你?x=1&y=2)\n\n![](http://b.cn/p.png)\n")})
	want := []lint.Target{{URL: "https://a.cn/%E4%BD%A0?x=1&y=2", Text: "a.cn/你?x=1&y=2", Line: 2}, {URL: "http://b.cn/p.png", Text: "b.cn/p.png", Line: 4}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestAFindingOfARuleHasItsSeverity(t *testing.T) {
	t.Parallel()
	if f := lint.Found("link-https", fault.Textf("a"), fault.Text{}); f.Severity != lint.Info || f.Rule != "link-https" {
		t.Errorf("%+v", f)
	}
}
