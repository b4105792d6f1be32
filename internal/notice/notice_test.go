package notice_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hongyan/internal/gate"
	"hongyan/internal/notice"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A post is what a webhook got.
type post struct {
	*http.Request
	body []byte
	said map[string]any
}

// A robot answers each try in turn, the last answer again and again.
type robot struct {
	*httptest.Server
	mu      sync.Mutex
	answers []string // "200 {json}" or "503"
	posts   []post
}

func start(t *testing.T, answers ...string) *robot {
	t.Helper()
	r := &robot{answers: answers}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *robot) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	body, _ := io.ReadAll(q.Body)
	p := post{Request: q, body: body}
	_ = json.Unmarshal(body, &p.said)
	answer := r.answers[min(len(r.posts), len(r.answers)-1)]
	r.posts = append(r.posts, p)
	code, text, _ := strings.Cut(answer, " ")
	status, _ := strconv.Atoi(code)
	if status == 302 {
		w.Header().Set("Location", text)
	}
	w.WriteHeader(status)
	io.WriteString(w, text)
}

func address(t *testing.T, text string) notice.Address {
	t.Helper()
	a, ok := notice.ParseAddress(text)
	if !ok {
		t.Fatal("no address")
	}
	return a
}

func hook(t *testing.T, r *robot, kind, secret string) *notice.Webhook {
	t.Helper()
	w := &notice.Webhook{Address: address(t, r.URL+"/send?key=topsecret"), Kind: kind, Private: true, Base: time.Millisecond}
	if secret != "" {
		w.Secret = func(context.Context) (string, error) { return secret, nil }
	}
	return w
}

func news() []notice.Notice {
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	return []notice.Notice{
		{
			On: notice.IssueEnded, Title: "weekly/12 has ended", Text: "98 sent\n2 refused", At: at,
			Facts: notice.Facts{Campaign: "weekly", Issue: "12", Totals: map[string]int{"sent": 98, "refused": 2}},
		},
		{
			On: notice.AccountHeld, Title: "账号 qq 已暂停", Text: "550 Too many attempts **[x](http://evil)**", At: at,
			Facts: notice.Facts{Account: "qq", Until: at.Add(time.Hour), Reason: "550"},
		},
	}
}

func mac(key, text string) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)
}

func TestRobotsGetPlainTextInTheirOwnForm(t *testing.T) {
	for _, n := range news() {
		text := n.Title + "\n" + n.Text
		for kind, check := range map[string]func(t *testing.T, p post){
			notice.WeCom: func(t *testing.T, p post) {
				want := map[string]any{"msgtype": "text", "text": map[string]any{"content": text}}
				same(t, p.said, want)
			},
			notice.DingTalk: func(t *testing.T, p post) {
				same(t, p.said, map[string]any{"msgtype": "text", "text": map[string]any{"content": text}})
				stamp := p.URL.Query().Get("timestamp")
				recent(t, stamp, time.Millisecond)
				if sign := p.URL.Query().Get("sign"); sign != base64.StdEncoding.EncodeToString(mac("SEC1", stamp+"\nSEC1")) {
					t.Errorf("sign %q", sign)
				}
			},
			notice.Feishu: func(t *testing.T, p post) {
				stamp, _ := p.said["timestamp"].(string)
				recent(t, stamp, time.Second)
				same(t, p.said, map[string]any{
					"timestamp": stamp, "sign": base64.StdEncoding.EncodeToString(mac(stamp+"\nSEC1", "")),
					"msg_type": "text", "content": map[string]any{"text": text},
				})
			},
			notice.JSON: func(t *testing.T, p post) {
				if p.said["event"] != n.On || p.said["title"] != n.Title || p.said["text"] != n.Text || p.said["at"] != "2026-11-25T09:00:00Z" {
					t.Errorf("%v", p.said)
				}
				if n.On == notice.IssueEnded && (p.said["campaign"] != "weekly" || fmt.Sprint(p.said["totals"]) != "map[refused:2 sent:98]" || p.said["until"] != nil) {
					t.Errorf("%v", p.said)
				}
				stamp := p.Header.Get("X-Hongyan-Timestamp")
				recent(t, stamp, time.Second)
				if got := p.Header.Get("X-Hongyan-Signature"); got != "sha256="+hex.EncodeToString(mac("SEC1", stamp+"."+string(p.body))) {
					t.Errorf("signature %q", got)
				}
			},
		} {
			t.Run(kind+" "+n.On, func(t *testing.T) {
				r := start(t, `200 {"errcode":0,"errmsg":"ok","code":0,"msg":"success"}`)
				if err := hook(t, r, kind, "SEC1").Send(t.Context(), n); err != nil || len(r.posts) != 1 {
					t.Fatal(len(r.posts), err)
				}
				p := r.posts[0]
				if p.Method != "POST" || p.URL.Path != "/send" || p.URL.Query().Get("key") != "topsecret" || !strings.HasPrefix(p.Header.Get("Content-Type"), "application/json") {
					t.Errorf("%s %s %v", p.Method, p.URL, p.Header)
				}
				check(t, p)
			})
		}
	}
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// recent checks a stamp of now, in units.
func recent(t *testing.T, stamp string, unit time.Duration) {
	t.Helper()
	n, err := strconv.ParseInt(stamp, 10, 64)
	if age := time.Since(time.Unix(0, n*int64(unit))); err != nil || age < -time.Minute || age > time.Minute {
		t.Errorf("stamp %q is %v old (%v)", stamp, age, err)
	}
}

func TestWithoutASecretNothingIsSigned(t *testing.T) {
	r := start(t, `200 {"errcode":0}`)
	for _, kind := range notice.Kinds() {
		if err := hook(t, r, kind, "").Send(t.Context(), news()[0]); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range r.posts {
		if strings.Contains(p.URL.RawQuery+string(p.body), "sign") || p.Header.Get("X-Hongyan-Signature") != "" {
			t.Errorf("%s %s", p.URL, p.body)
		}
	}
}

func TestATextThatIsTooLongIsClippedBetweenCharacters(t *testing.T) {
	r := start(t, `200 {"errcode":0}`)
	n := news()[0]
	n.Text = strings.Repeat("鸿雁", 2000)
	if err := hook(t, r, notice.WeCom, "").Send(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	text := r.posts[0].said["text"].(map[string]any)["content"].(string)
	if len(text) > 2048 || len(text) < 2040 || !strings.HasSuffix(text, "…") || strings.Contains(text, "\uFFFD") {
		t.Errorf("%d bytes, ends in %q", len(text), text[len(text)-12:])
	}
}

func TestWhatPassesIsTriedAgain(t *testing.T) {
	for _, c := range []struct {
		kind    string
		answers []string
		posts   int
		fails   string
	}{
		{notice.JSON, []string{"503", "429", "200"}, 3, ""},
		{notice.JSON, []string{"502"}, 4, "502 Bad Gateway"},
		{notice.JSON, []string{"404", "200"}, 1, "404 Not Found"},
		{notice.JSON, []string{"302 http://127.0.0.1:1/", "200"}, 1, "302 Found"},
		{notice.WeCom, []string{`200 {"errcode":45009,"errmsg":"api freq out of limit"}`, `200 {"errcode":0}`}, 2, ""},
		{notice.WeCom, []string{`200 {"errcode":93000,"errmsg":"invalid webhook url"}`}, 1, "it answers 93000: invalid webhook url"},
		{notice.DingTalk, []string{`200 {"errcode":310000,"errmsg":"sign not match"}`}, 1, "it answers 310000: sign not match"},
		{notice.DingTalk, []string{`200 {"errcode":130101,"errmsg":"send too fast"}`, `200 {"errcode":0}`}, 2, ""},
		{notice.Feishu, []string{`200 {"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time"}`}, 1, "it answers 19021: sign match fail"},
		{notice.Feishu, []string{`200 {"code":11232,"msg":"frequency limited"}`, `200 {"code":0}`}, 2, ""},
		{notice.Feishu, []string{`200 <html>`}, 1, "the answer is not JSON"},
	} {
		t.Run(c.kind+c.answers[0], func(t *testing.T) {
			r := start(t, c.answers...)
			err := hook(t, r, c.kind, "").Send(t.Context(), news()[0])
			if len(r.posts) != c.posts || (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%d posts: %v", len(r.posts), err)
			}
		})
	}
}

func TestNothingPrivateIsReachedUnasked(t *testing.T) {
	r := start(t, "200")
	for _, c := range []struct {
		address string
		private bool
		fails   string
	}{
		{strings.Replace(r.URL, "http", "https", 1), false, "127.0.0.1 is not a public address"},
		{"https://169.254.169.254/latest", false, "169.254.169.254 is not a public address"},
		{"https://[::1]/", false, "::1 is not a public address"},
		{r.URL, false, "https is required"},
		{r.URL, true, ""},
	} {
		w := &notice.Webhook{Address: address(t, c.address), Kind: notice.JSON, Private: c.private, Base: time.Millisecond}
		err := w.Send(t.Context(), news()[0])
		if (err == nil) != (c.fails == "") || err != nil && !strings.Contains(err.Error(), c.fails) {
			t.Errorf("%s: %v", c.address, err)
		}
		if _, private := errors.AsType[*gate.Private](err); strings.Contains(c.fails, "public") != private {
			t.Errorf("%s: %T", c.address, err)
		}
	}
	if len(r.posts) != 1 {
		t.Errorf("%d posts", len(r.posts))
	}
}

// The address of a webhook is a secret: it is in no error and in no print.
func TestAnAddressIsNeverTold(t *testing.T) {
	r := start(t, "500")
	w := hook(t, r, notice.DingTalk, "SEC1")
	gone := &notice.Webhook{Address: address(t, "http://127.0.0.1:1/robot/topsecret?key=topsecret"), Kind: notice.JSON, Private: true, Base: time.Millisecond}
	var out strings.Builder
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "address", w.Address, "hook", *w)
	text, err := json.Marshal(w.Address)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&out, "%v %+v %#v %s %q %x %s", w.Address, *w, w.Address, w.Address, w.Address, w.Address, text)
	for _, hook := range []*notice.Webhook{w, gone} {
		fmt.Fprint(&out, hook.Send(t.Context(), news()[0]))
	}
	if strings.Contains(out.String(), "topsecret") || strings.Contains(out.String(), "746f70") || strings.Contains(out.String(), "SEC1") {
		t.Errorf("told: %s", out.String())
	}
	if !strings.Contains(out.String(), "127.0.0.1/…") {
		t.Errorf("the host is missing: %s", out.String())
	}
}

func TestASecretThatCannotBeReadIsTold(t *testing.T) {
	r := start(t, "200")
	w := hook(t, r, notice.JSON, "")
	w.Secret = func(context.Context) (string, error) { return "", errors.New("the variable X is not set") }
	if err := w.Send(t.Context(), news()[0]); err == nil || !strings.Contains(err.Error(), "the variable X is not set") || len(r.posts) > 0 {
		t.Errorf("%d posts: %v", len(r.posts), err)
	}
}

// An inbox keeps what it gets, and takes its time.
type inbox struct {
	mu    sync.Mutex
	got   []string
	takes time.Duration
}

func (i *inbox) Send(ctx context.Context, n notice.Notice) error {
	select {
	case <-time.After(i.takes):
	case <-ctx.Done():
		return ctx.Err()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = append(i.got, n.Title)
	return nil
}

func TestEachIsToldWhatItWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all, held inbox
		results := make(chan string, 10)
		h := notice.NewHerald([]notice.Subscription{
			{Name: "all", Kind: "json", Receiver: &all},
			{Name: "held", Kind: "mail", On: []string{notice.AccountHeld}, Receiver: &held},
		}, func(s notice.Subscription, err error) { results <- fmt.Sprint(s.Name, s.Kind, err) })
		ctx, stop := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() { h.Run(ctx) })
		for _, n := range news() {
			h.Tell(n)
		}
		synctest.Wait()
		stop()
		run.Wait()
		same(t, all.got, []string{"weekly/12 has ended", "账号 qq 已暂停"})
		same(t, held.got, []string{"账号 qq 已暂停"})
		if len(results) != 3 {
			t.Errorf("%d results", len(results))
		}
	})
}

// toldEveryTenMinutes returns what a receiver gets of them.
func toldEveryTenMinutes(t *testing.T, all []notice.Notice) []string {
	t.Helper()
	var i inbox
	h := notice.NewHerald([]notice.Subscription{{Receiver: &i}}, func(notice.Subscription, error) {})
	ctx, stop := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { h.Run(ctx) })
	for _, n := range all {
		n.At = time.Now()
		h.Tell(n)
		time.Sleep(10 * time.Minute)
	}
	stop()
	run.Wait()
	return i.got
}

func TestTheSameNewsAreToldOnceAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := toldEveryTenMinutes(t, slices.Repeat(news()[1:2], 13))
		if len(got) != 3 {
			t.Errorf("told %d times within two hours", len(got))
		}
	})
}

func TestAnIssueThatStopsForAnotherReasonIsNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all []notice.Notice
		for _, why := range []string{"disk full", "disk full", "letter.md has changed"} {
			all = append(all, notice.Notice{On: notice.IssueStopped, Title: "x/main has stopped", Facts: notice.Facts{Reason: why}})
		}
		if got := toldEveryTenMinutes(t, all); len(got) != 2 {
			t.Errorf("told %d times of two reasons", len(got))
		}
	})
}

// Nobody waits for a receiver, and the end waits for half a minute at most.
func TestNobodyWaitsForAReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := inbox{takes: 10 * time.Second}
		h := notice.NewHerald([]notice.Subscription{{Receiver: &i}}, func(notice.Subscription, error) {})
		begun := time.Now()
		for n := range 1000 {
			h.Tell(notice.Notice{On: notice.IssueEnded, Title: strconv.Itoa(n), At: time.Now()})
		}
		if time.Since(begun) > 0 || h.Missed() != 1000-256 {
			t.Errorf("it took %v, %d missed", time.Since(begun), h.Missed())
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		h.Run(ctx)
		if took := time.Since(begun); took > 31*time.Second || len(i.got) < 2 {
			t.Errorf("the end took %v, %d were told", took, len(i.got))
		}
	})
}
