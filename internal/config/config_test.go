package config_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"hongyan/internal/config"
	"hongyan/internal/fault"
	"hongyan/internal/pace"
)

var update = flag.Bool("update", false, "write the golden files anew")

const shipped = "../../config.yaml"

// load writes the file into a folder of its own and reads it.
func load(t *testing.T, src string, environ ...string) (*config.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(file, environ)
}

func mustLoad(t *testing.T, src string, environ ...string) *config.Config {
	t.Helper()
	c, err := load(t, src, environ...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheShippedConfigSendsToTheSandbox(t *testing.T) {
	t.Parallel()
	c, err := config.Load(shipped, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := c.Accounts[c.Account]
	if a.Provider != "sandbox" || a.Address != "demo@qq.com" || a.DisplayName != "鸿雁" {
		t.Errorf("got %+v", a)
	}
	if string(c.State) != filepath.Join("..", "..", "state") || c.Retry.MaxAge != 24*time.Hour {
		t.Errorf("state %q, retry %+v", c.State, c.Retry)
	}
}

func TestEveryExampleInTheShippedConfigHolds(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for line := range strings.Lines(string(src)) {
		if bare := strings.TrimLeft(line, " "); !strings.HasPrefix(bare, "##") {
			line = strings.TrimPrefix(line, "#")
		}
		b.WriteString(line)
	}
	example := strings.Replace(b.String(), "\nreplies: [replies.yaml]", "", 1)
	c := mustLoad(t, example)
	if got := c.Accounts["qq"].Limits.Hours.Zone.String(); got != "Asia/Shanghai" {
		t.Errorf("zone %q", got)
	}
	if c.Theme["width"] != "600" || c.Lang != "zh" {
		t.Errorf("theme %v, lang %q", c.Theme, c.Lang)
	}
}

func TestWithoutAFileThereIsTheSandbox(t *testing.T) {
	t.Parallel()
	empty := mustLoad(t, "# nothing yet\n")
	none, err := config.Load("", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*config.Config{empty, none} {
		if a := c.Accounts[c.Account]; c.Account != "sandbox" || a.Provider != "sandbox" || a.Address != "demo@qq.com" {
			t.Errorf("account %q: %+v", c.Account, a)
		}
	}
	if none.State != "state" {
		t.Errorf("state %q", none.State)
	}
}

func TestAMissingFileIsAFaultWithAHint(t *testing.T) {
	t.Parallel()
	_, err := config.Load("nowhere.yaml", nil)
	if faults, ok := errors.AsType[fault.Faults](err); !ok || !strings.Contains(faults.Error(), "nowhere.yaml: there is no such file\n    hongyan init") {
		t.Errorf("got %v", err)
	}
}

func TestThePresetGivesWhatTheUserDoesNotSay(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, `
accounts:
  QQ: {provider: qq, address: 张三 <You@QQ.com>, secret: env:CODE, limits: {per_day: 50, gap: none}}
`)
	a := c.Accounts["qq"]
	if a.Host != "smtp.qq.com" || a.Port != 465 || a.TLS != "implicit" || a.Username != a.Address || a.DisplayName != "张三" {
		t.Errorf("got %+v", a)
	}
	if want := (config.Quirks{Frame: true, ListBare: true, MaxSize: 73400320, Idle: time.Minute}); a.Quirks != want {
		t.Errorf("quirks %+v", a.Quirks)
	}
	if got := a.Limits.String(); got != "50/day, pause: 5m after 30, connections: 1, per_connection: 20" {
		t.Errorf("limits %q", got)
	}
}

func TestPortAndTLSFollowEachOther(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		keys string
		port int
		tls  string
	}{
		{"provider: custom, host: h", 465, "implicit"},
		{"provider: custom, host: h, port: 587", 587, "starttls"},
		{"provider: custom, host: h, tls: starttls", 587, "starttls"},
		{"provider: custom, host: h, tls: starttls, port: 25", 25, "starttls"},
		{"provider: custom, host: 127.0.0.1, tls: none", 25, "none"},
		{"provider: custom, host: '::1', tls: none, port: 2500", 2500, "none"},
		{"provider: custom, host: h, tls: none, insecure: true", 25, "none"},
		{"provider: outlook, secret: env:X", 587, "starttls"},
	} {
		a := mustLoad(t, "accounts: {a: {address: a@example.com, "+c.keys+"}}").Accounts["a"]
		if a.Port != c.port || a.TLS != c.tls {
			t.Errorf("%s: got %d %s", c.keys, a.Port, a.TLS)
		}
	}
}

// Each golden file holds a config.yaml, a line of ---8<---, and its faults.
func TestAllFaultsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/faults/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			src, want, _ := strings.Cut(string(text), "---8<---\n")
			_, err = load(t, src)
			if _, ok := errors.AsType[fault.Faults](err); !ok {
				t.Fatalf("got %v", err)
			}
			got := tidy(err.Error()) + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(src+"---8<---\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if strings.Contains(got, "hunter2") {
				t.Error("a fault repeats the secret")
			}
		})
	}
}

func TestAFileOfAnotherEncodingSaysSo(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]string{
		"config.yaml":  "account: qq\naccounts: {qq: {name: \xd5\xc5\xc8\xfd}}\n", // GBK
		"holidays.txt": "# 2026\n# \xb9\xfa\xc7\xec\n2026-10-01\n",
	} {
		files := map[string]string{"config.yaml": "accounts: {s: {provider: sandbox, limits: {holidays: holidays.txt}}}\n", name: src}
		dir := t.TempDir()
		for file, text := range files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		_, err := config.Load(filepath.Join(dir, "config.yaml"), nil)
		if err == nil || !strings.Contains(err.Error(), name+":2: this is not UTF-8\n") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAnIPv6AddressLosesItsBrackets(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, `accounts: {a: {provider: custom, host: "[::1]", address: a@example.com}}`)
	if got := c.Accounts["a"].Host; got != "::1" {
		t.Errorf("got %q", got)
	}
}

// tidy takes the folder of the test out of a text.
func tidy(s string) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		if i := strings.Index(line, os.TempDir()); i >= 0 {
			rest := line[i:]
			dir := rest[:strings.Index(rest, "/001/")+len("/001/")]
			line = strings.ReplaceAll(line, dir, "")
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func TestEveryKeyCanComeFromTheEnvironment(t *testing.T) {
	t.Parallel()
	const src = `
accounts:
  qq-2: {provider: qq, address: a@qq.com, secret: env:A, limits: {to: {qq.com: 9/min}}}
`
	c := mustLoad(t, src,
		"HONGYAN_ACCOUNT=QQ-2", "HONGYAN_STATE=/var/lib/hongyan", "HONGYAN_LANG=zh",
		"HONGYAN_THEME__BRAND=#123456", "HONGYAN_RETRY__MAX_AGE=2d", "HONGYAN_RETRY__SCHEDULE=5m*2, 1h",
		"HONGYAN_ACCOUNTS__QQ_2__ADDRESS=b@qq.com", "HONGYAN_ACCOUNTS__QQ_2__PORT=587",
		"HONGYAN_ACCOUNTS__QQ_2__LIMITS__PER_DAY=7", "HONGYAN_ACCOUNTS__QQ_2__LIMITS__TO__FOXMAIL_COM=8/min",
		"HONGYAN_ACCOUNTS__QQ_2__LIMITS__TO__QQ_COM=5/min",
		"HONGYAN_ACCOUNTS__LOCAL__PROVIDER=custom", "HONGYAN_ACCOUNTS__LOCAL__HOST=127.0.0.1",
		"HONGYAN_ACCOUNTS__LOCAL__ADDRESS=c@example.com", "HONGYAN_ACCOUNTS__LOCAL__TLS=none",
		"HONGYAN_ACCOUNTS__LOCAL__INSECURE=true",
		"HONGYAN_ACCOUNTS__QQ_2__HELO=", "HONGYAN_QQ_SECRET=x", "HONGYAN_LOG_LEVEL=debug", "HOME=/root")
	a := c.Accounts["qq-2"]
	if c.Account != "qq-2" || c.State != "/var/lib/hongyan" || c.Lang != "zh" || c.Theme["brand"] != "#123456" {
		t.Errorf("got %+v", c)
	}
	if c.Retry.MaxAge != 48*time.Hour || c.Retry.String() != "5m*2, 1h" {
		t.Errorf("retry %+v", c.Retry)
	}
	if a.Address != "b@qq.com" || a.Port != 587 || a.TLS != "starttls" {
		t.Errorf("got %+v", a)
	}
	if got := a.Limits.String(); !strings.HasPrefix(got, "7/day, ") || !strings.HasSuffix(got, "to foxmail.com: 8/min, to qq.com: 5/min") {
		t.Errorf("limits %q", got)
	}
	if l := c.Accounts["local"]; l.Host != "127.0.0.1" || l.TLS != "none" || !l.Insecure {
		t.Errorf("got %+v", l)
	}
}

func TestAVariableThatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	_, err := load(t, "accounts: {qq: {provider: qq, address: a@qq.com, secret: env:A}}",
		"HONGYAN_ACCOUT=qq", "HONGYAN_ACCOUNTS__QQ__PORT=many", "HONGYAN_ACCOUNTS__QQ__TLS=maybe",
		"HONGYAN_ACCOUNTS__QQ__SECRET=hunter2", "HONGYAN_ACCOUNTS__QQ=x", "HONGYAN_ACCOUNTS__QQ__ADRESS=x",
		"HONGYAN_ACCOUNTS__QQ__LIMITS__PER_DAY=some", "HONGYAN_ACCOUNTS__QQ__INSECURE=perhaps",
		"HONGYAN_ACCOUNTS__QQ__NAME=a\nb")
	want := `HONGYAN_ACCOUNTS__QQ: it names a group of keys, not one
    add __ and a key: address, ca_file, dkim, helo, host, insecure, lanes, limits, name, port, provider, secret, server_name, tls, username
HONGYAN_ACCOUNTS__QQ__ADRESS: unknown key "adress"
    did you mean "address"?
HONGYAN_ACCOUNTS__QQ__INSECURE: insecure must be true or false
HONGYAN_ACCOUNTS__QQ__LIMITS__PER_DAY: per_day: "some" is no number of 1 or more
    write a whole number, or none
HONGYAN_ACCOUNTS__QQ__NAME: name must be one line without control characters
HONGYAN_ACCOUNTS__QQ__PORT: port must be a whole number
    write it plainly, like 465
HONGYAN_ACCOUNTS__QQ__SECRET: a secret does not stand in a file
    write where it is to be had: env:NAME, file:PATH, cmd:COMMAND, keyring:NAME or vault:PATH#KEY
HONGYAN_ACCOUNTS__QQ__TLS: there is no TLS mode "maybe"
    write implicit (port 465), starttls (port 587) or none
HONGYAN_ACCOUT: unknown key "accout"
    did you mean "account"?`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestAllPresetsHold(t *testing.T) {
	t.Parallel()
	presets, err := config.Presets()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq("qq foxmail exmail 163 126 gmail outlook aliyun tencent-ses ses custom sandbox") {
		p, ok := presets[name]
		if !ok {
			t.Errorf("there is no %s", name)
			continue
		}
		delete(presets, name)
		if name != "custom" && name != "sandbox" && (p.Host == "" || p.Login == "" || p.Hint["en"] == "" || p.Hint["zh"] == "") {
			t.Errorf("%s is not whole: %+v", name, p)
		}
		if name != "custom" && p.Limits.Horizon() == 0 {
			t.Errorf("%s has no limits", name)
		}
	}
	if len(presets) > 0 {
		t.Errorf("nobody asked for %v", presets)
	}
}

func TestQQIsTreatedWithCare(t *testing.T) {
	t.Parallel()
	presets, err := config.Presets()
	if err != nil {
		t.Fatal(err)
	}
	qq := presets["qq"]
	if got, want := qq.Limits.String(), "100/day, gap: 6s-10s, pause: 5m after 30, connections: 1, per_connection: 20"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if qq.Quirks.Pipelining || !qq.Quirks.Frame {
		t.Errorf("quirks %+v", qq.Quirks)
	}
}

func TestHolidaysAreReadBesideTheConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "holidays.txt", "\ufeff# 2026\r\n2026-10-01 国庆节\r\n\n2026-10-02\n", 0o644)
	file := write(t, dir, "config.yaml", "accounts: {sandbox: {provider: sandbox, limits: {holidays: holidays.txt}}}", 0o644)
	c, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []pace.Date{{Year: 2026, Month: time.October, Day: 1}, {Year: 2026, Month: time.October, Day: 2}}
	if got := c.Accounts["sandbox"].Limits.Hours.Holidays; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	write(t, dir, "holidays.txt", "# 2026\nOctober\n", 0o644)
	_, err = config.Load(file, nil)
	if err == nil || !strings.Contains(err.Error(), "holidays.txt:2: \"October\" is no date") {
		t.Errorf("got %v", err)
	}
}

func write(t *testing.T, dir, name, text string, mode os.FileMode) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, mode); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestTheNearestConfigUpwardCounts(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	deep := filepath.Join(root, "a", "b")
	if err := os.MkdirAll(filepath.Join(deep, "config.yaml"), 0o755); err != nil { // a folder is no config
		t.Fatal(err)
	}
	want := write(t, root, "config.yaml", "", 0o644)
	if got, err := config.Find(deep); got != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

const canary = "hunter2-canary"

// account returns an account with the given secret.
func account(t *testing.T, dir, secret string, environ ...string) config.Account {
	t.Helper()
	file := write(t, dir, "config.yaml", "accounts:\n  qq:\n    provider: qq\n    address: a@qq.com\n    secret: "+secret+"\n", 0o644)
	c, err := config.Load(file, environ)
	if err != nil {
		t.Fatal(err)
	}
	return c.Accounts["qq"]
}

func TestASecretIsReadWhereItIs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, secret, file, env string }{
		{name: "a variable", secret: "env:CODE", env: "CODE=" + canary},
		{name: "a file", secret: "file:code.txt", file: canary + "\r\nsecond line\n"},
		{name: "a command", secret: "cmd:printf '" + canary + "\\nrest\\n'"},
		{name: "a command with a variable", secret: `'cmd:echo "$CODE"'`, env: "CODE=" + canary},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, dir, "code.txt", c.file, 0o600)
			a := account(t, dir, c.secret, c.env, "PATH="+os.Getenv("PATH"))
			if got, err := a.Secret.Read(t.Context()); got != canary || err != nil {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestASecretThatCannotBeHadIsAFaultWithItsLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, secret, want string }{
		{"no variable", "env:CODE", "the variable CODE is not set\n    set it"},
		{"no file", "file:nowhere", "cannot be read: no such file"},
		{"a file for all", "file:open.txt", "is open to others (mode 0644)\n    close it: chmod 600"},
		{"an empty file", "file:empty.txt", "the secret is empty"},
		{"a command that fails", "cmd:echo " + canary + "; exit 3", "failed: exit status 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if runtime.GOOS == "windows" {
				t.Skip("modes are not checked on Windows")
			}
			dir := t.TempDir()
			write(t, dir, "open.txt", canary, 0o644)
			write(t, dir, "empty.txt", "", 0o600)
			_, err := account(t, dir, c.secret, "PATH="+os.Getenv("PATH")).Secret.Read(t.Context())
			f, ok := errors.AsType[*fault.Fault](err)
			if !ok || f.Line != 5 || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Error("the error repeats the secret")
			}
		})
	}
}

func TestACommandThatHangsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	a := account(t, t.TempDir(), "cmd:tail -f /dev/null", "PATH="+os.Getenv("PATH"))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := a.Secret.Read(ctx); err == nil || !strings.Contains(err.Error(), "did not end") {
		t.Errorf("got %v", err)
	}
}

func TestASecretMayLieInTheKeyring(t *testing.T) {
	keyring.MockInit() // one for the process: not parallel
	a := account(t, t.TempDir(), "keyring:qq")
	if _, err := a.Secret.Read(t.Context()); err == nil || !strings.Contains(err.Error(), `the keyring has no secret "qq"`) {
		t.Errorf("got %v", err)
	}
	if err := keyring.Set("hongyan", "qq", canary); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Secret.Read(t.Context()); got != canary || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestNoSecretIsEverPrinted(t *testing.T) {
	t.Parallel()
	a := account(t, t.TempDir(), "cmd:echo "+canary)
	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("account", "account", a, "secret", a.Secret, "pointer", &a.Secret)
	}
	js, err := json.Marshal(map[string]any{"account": a, "secret": a.Secret, "pointer": &a.Secret})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	out.WriteString(logged.String() + string(js))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		out.WriteString(fmt.Sprintf(verb, a.Secret) + fmt.Sprintf(verb, &a.Secret) + fmt.Sprintf(verb, a) + fmt.Sprintf(verb, []config.Secret{a.Secret}))
	}
	out.WriteString(fmt.Sprint(a.Secret, &a) + fmt.Errorf("%w: %v", errors.New("x"), a.Secret).Error())
	if strings.Contains(out.String(), canary) || strings.Contains(out.String(), fmt.Sprintf("%x", canary)) || !strings.Contains(out.String(), "[redacted]") {
		t.Errorf("got %s", out.String())
	}
}

// A Secret keeps to itself: no field that a printer by reflection could show.
func TestASecretHasNoOpenFields(t *testing.T) {
	t.Parallel()
	s := reflect.TypeFor[config.Secret]()
	for field := range s.Fields() {
		if field.IsExported() {
			t.Errorf("field %s is open", field.Name)
		}
	}
	for _, want := range []reflect.Type{
		reflect.TypeFor[fmt.Formatter](), reflect.TypeFor[fmt.GoStringer](), reflect.TypeFor[fmt.Stringer](),
		reflect.TypeFor[json.Marshaler](), reflect.TypeFor[slog.LogValuer](),
	} {
		if !s.Implements(want) {
			t.Errorf("Secret is no %s", want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"account: sandbox\n", "accounts: {a: &x {provider: qq}, b: *x}", "accounts:\n  a:\n    <<: {provider: qq}\n",
		"a: !!binary x", "- 1\n- 2\n", "accounts: [a]\n", "{}", "? a\n: b\n", "accounts: {a: {limits: {to: 3}}}", "theme: {a: *b}",
		"x: *hunter2\n", "\ufeffstate: 0123\n", "account: |\n  a\n  b\n", "---\n---\n",
	} {
		f.Add(seed)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, src string) {
		file := filepath.Join(dir, "config.yaml")
		if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
			t.Skip(err)
		}
		c, err := config.Load(file, nil)
		if err == nil && c.Accounts[c.Account].Name == "" {
			t.Errorf("no account, no fault")
		}
	})
}

func TestNoticesKnowTheirKindByTheHost(t *testing.T) {
	t.Parallel()
	c, err := config.Load(write(t, t.TempDir(), "config.yaml", `
accounts: {news: {provider: sandbox, address: news@example.com}}
account: news
notices:
  a: {webhook: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=hunter2"}
  b: {webhook: "https://oapi.dingtalk.com/robot/send?access_token=hunter2", secret: "env:SIGN", on: "issue-ended, slot-failed"}
  c: {webhook: "https://open.feishu.cn/open-apis/bot/v2/hook/hunter2"}
  d: {webhook: "http://10.0.0.1/hunter2", private: true}
  e: {webhook: "env:HOOK", kind: feishu}
  f: {mail: "Ops <Ops@Example.com>"}
  g: {webhook: "env:NOTHING"}
  h: {webhook: "env:SIGN"}
`, 0o644), []string{"HOOK=https://open.larksuite.com/hunter2", "SIGN=hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, n := range c.Notices {
		address, err := n.Address(t.Context())
		fmt.Fprintf(&got, "%s %s %v %q %s %s %t %v\n", n.Name, n.Kind, n.On, address, n.Mail, n.Account, n.Secret.IsZero(), err)
	}
	if strings.Contains(got.String()+fmt.Sprintf("%+v %#v", c.Notices, c.Notices), "hunter2") {
		t.Errorf("an address is told: %s", got.String())
	}
	want := `a wecom [] qyapi.weixin.qq.com/…   true <nil>
b dingtalk [issue-ended slot-failed] oapi.dingtalk.com/…   false <nil>
c feishu [] open.feishu.cn/…   true <nil>
d json [] 10.0.0.1/…   true <nil>
e feishu [] open.larksuite.com/…   true <nil>
f mail []  Ops@example.com news true <nil>
g json []    true config.yaml:11: the variable NOTHING is not set
    set it before you send: export NOTHING=…
h json []    true config.yaml:12: what is to be had there is no address of a webhook
`
	if tidy(got.String()) != want {
		t.Errorf("got\n%swant\n%s", tidy(got.String()), want)
	}
}

func TestAStorageIsAFolderWithAnAddressOrABucket(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"storage: {at: 's3://mails?region=eu-central-1'}\n":                   "",
		"storage: {at: parcels, url: https://mail.example.com/files}\n":       "",
		"storage: {url: https://mail.example.com/files}\n":                    "",
		"storage: {at: parcels, url: https://mail.example.com/}\n":            "a folder's files need an address",
		"storage: {at: parcels}\n":                                            "a folder's files need an address",
		"storage: {at: 's3://mails', url: https://mail.example.com/files}\n":  "a bucket answers for itself",
		"storage: {at: 'gs://mails'}\n":                                       `"gs://mails" is no storage`,
		"storage: {at: parcels, url: mail.example.com}\n":                     "a folder's files need an address",
		"state: postgres://db/hongyan\nstorage: {url: https://a.example/f}\n": "needs a storage that is shared",
	} {
		_, err := load(t, src)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", src, err, want)
		}
	}
	c := mustLoad(t, "state: mine\nstorage: {url: https://mail.example.com/files}\n")
	if c.Storage.At != filepath.Join(string(c.State), "parcels") || c.Storage.URL.Path != "/files" {
		t.Errorf("got %+v", c.Storage)
	}
}

func TestLanesAreOnlyOfWhatCanBeSplit(t *testing.T) {
	t.Parallel()
	relay := func(rest string) string {
		return "accounts: {relay: {provider: custom, host: 127.0.0.1, port: 25, tls: none, address: a@example.com, " + rest + "}}\n"
	}
	for src, want := range map[string]string{
		relay("lanes: 4, limits: {per_second: 100, connections: 8}"): "",
		relay("lanes: 1, limits: {gap: 6s}"):                         "",
		relay("lanes: 4, limits: {per_second: 100, connections: 3}"): "connections: 3 cannot be split over 4 lanes",
		relay("lanes: 4, limits: {per_day: 3, connections: 8}"):      "3/day cannot be split over 4 lanes",
		relay("lanes: 2, limits: {gap: 6s, connections: 2}"):         "gap: 6s cannot be split over 2 lanes",
		relay("lanes: 0"):    "an account has 1 to 64 lanes",
		relay("lanes: many"): "lanes must be a whole number",
		"accounts: {s: {provider: sandbox, address: a@qq.com, lanes: 2, limits: {gap: none, pause: none, connections: 2}}}\n": "the sandbox is a server of one machine",
	} {
		_, err := load(t, src)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", src, err, want)
		}
	}
	c := mustLoad(t, relay("lanes: 4, limits: {connections: 8}"))
	if c.Accounts["relay"].Lanes != 4 || c.Accounts["sandbox"].Lanes != 1 {
		t.Errorf("got %+v", c.Accounts)
	}
}
