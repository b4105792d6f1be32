package config

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"hongyan/internal/fault"
	"hongyan/internal/list"
)

// A builder makes a Config of viper's values and knows where each came from.
type builder struct {
	tree    *tree
	set     []override
	presets map[string]Preset
	environ []string
	dir     string
}

// wrong reports a fault at a key: in the variable that set it, or in the file.
func (b *builder) wrong(path, format string, args ...any) *fault.Fault {
	file, line := b.place(path)
	return b.tell(path, fault.At(file, line, format, args...))
}

func (b *builder) tell(path string, f *fault.Fault) *fault.Fault {
	if !b.tree.refused[strings.ToLower(path)] {
		b.tree.faults = append(b.tree.faults, f)
	}
	return f
}

// place returns what set a key: a variable, or a line of the file.
func (b *builder) place(path string) (file string, line int) {
	for _, o := range slices.Backward(b.set) {
		if o.path == strings.ToLower(path) {
			return o.variable, 0
		}
	}
	return b.tree.file, b.tree.line(path)
}

func (b *builder) config(file string, values map[string]any) *Config {
	b.dir = filepath.Dir(file)
	c := &Config{
		File: file, Dir: b.dir,
		Account:  strings.ToLower(text(values["account"])),
		State:    Place(text(values["state"])),
		Lang:     b.lang(text(values["lang"])),
		Accounts: map[string]Account{},
		Theme:    map[string]string{},
	}
	if !c.State.Database() {
		c.State = Place(within(b.dir, string(c.State)))
	}
	for key, v := range branchOf(values["theme"]) {
		c.Theme[key] = text(v)
	}
	c.Replies = b.replies(values["replies"])
	c.Retry = b.retry(branchOf(values["retry"]))
	c.Lint = b.lint(branchOf(values["lint"]))
	c.Serve = b.serve(branchOf(values["serve"]))
	c.Storage = b.storage(branchOf(values["storage"]), c.State)
	c.Trace = b.trace(branchOf(values["trace"]))
	c.Unsubscribe = b.unsubscribe(branchOf(values["unsubscribe"]))
	accounts := branchOf(values["accounts"])
	for _, name := range b.tree.below["accounts"] { // viper forgets an empty one
		if name = strings.ToLower(name); accounts[name] == nil {
			accounts[name] = map[string]any{}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(accounts)) {
		c.Accounts[name] = b.account(name, branchOf(accounts[name]))
	}
	c.Notices = b.notices(branchOf(values["notices"]), c.Accounts, c.Account)
	if _, ok := c.Accounts[c.Account]; !ok {
		b.suggest(b.wrong("account", "there is no account %q", c.Account), c.Account, slices.Sorted(maps.Keys(c.Accounts)))
	}
	return c
}

func (b *builder) suggest(f *fault.Fault, word string, among []string) {
	if near := fault.Near(word, among); near != "" {
		f.Hinted("did you mean %q?", near)
		return
	}
	f.Hinted("known are: %s", strings.Join(among, ", "))
}

func branchOf(v any) map[string]any {
	m, _ := v.(map[string]any)
	if m == nil {
		return map[string]any{}
	}
	return m
}

func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		words := make([]string, len(v))
		for i := range v {
			words[i] = text(v[i])
		}
		return strings.Join(words, ", ")
	}
	return strings.TrimSpace(fmt.Sprint(v))
}

// within returns a path as it stands from a folder.
func within(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func (b *builder) lang(lang string) string {
	if lang != "" && lang != "en" && lang != "zh" {
		b.wrong("lang", "there is no language %q", lang).Hinted("write en or zh")
	}
	return lang
}

func (b *builder) replies(v any) []string {
	files := texts(v)
	for i, file := range files {
		files[i] = within(b.dir, file)
		b.exists("replies", files[i])
	}
	return files
}

// texts is a list of texts; nil if there is none.
func texts(v any) []string {
	switch v := v.(type) {
	case []any:
		out := make([]string, len(v))
		for i, item := range v {
			out[i] = text(item)
		}
		return out
	case []string:
		return v
	}
	return nil
}

// exists reports a file that cannot be had.
func (b *builder) exists(path, file string) bool {
	f := b.missing(path, file)
	if f != nil {
		b.tell(path, f)
	}
	return f == nil
}

// missing is the fault of a file that cannot be had, nil if it can.
func (b *builder) missing(path, file string) *fault.Fault {
	at, line := b.place(path)
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return fault.At(at, line, "%s: %s", file, reason(err))
	case info.IsDir():
		return fault.At(at, line, "%s is a folder", file)
	}
	return nil
}

// An entry is one account on its way from values to an Account.
type entry struct {
	*builder
	path   string
	values map[string]any
	preset Preset
	Account
}

func (b *builder) account(name string, values map[string]any) Account {
	e := entry{builder: b, path: join("accounts", name), values: values}
	e.Name = name
	if !safe(name) {
		b.wrong(e.path, "%q is no name for an account", name).Hinted("use letters, digits, - and _, not more than 64")
	}
	e.provider()
	e.server()
	e.address()
	e.login()
	e.plainText()
	e.dkim()
	e.limits()
	e.lanes()
	return e.Account
}

// safe reports whether a name may stand in file names, logs and variables.
func safe(name string) bool {
	ok := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_' || r == '.'
	}
	return name != "" && len(name) <= 64 && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "-") &&
		!strings.ContainsFunc(name, func(r rune) bool { return !ok(r) })
}

func (e *entry) key(key string) string { return e.path + sep + key }

func (e *entry) text(key string) string { return text(e.values[key]) }

// provider finds the preset. Where there is none, what else is written is
// checked as for any server.
func (e *entry) provider() {
	e.Provider = strings.ToLower(e.text("provider"))
	preset, ok := e.presets[e.Provider]
	switch {
	case ok:
	case e.Provider == "":
		e.wrong(e.path, "account %s has no provider", e.Name).Hinted("known are: %s", strings.Join(names(e.presets), ", "))
	default:
		e.suggest(e.wrong(e.key("provider"), "there is no provider %q", e.Provider), e.Provider, names(e.presets))
	}
	if !ok {
		preset = e.presets["custom"]
	}
	e.preset, e.Quirks = preset, preset.Quirks
}

// server settles what is dialled and who has to answer.
func (e *entry) server() {
	e.Host, e.Port, e.TLS = e.preset.Host, e.preset.Port, e.preset.TLS
	if host := e.text("host"); host != "" {
		e.Host = host
	}
	if isIP(e.Host) {
		e.Host = strings.Trim(e.Host, "[]") // what is dialled gets them with its port
	}
	if strings.ContainsAny(e.Host, " /@") || strings.Contains(e.Host, ":") && !isIP(e.Host) {
		e.wrong(e.key("host"), "%q is no host", e.Host).Hinted("write the name alone, and the port under port:")
	}
	if e.Host == "" && e.Provider == "custom" {
		e.wrong(e.path, "account %s has no host", e.Name).Hinted("provider custom needs the name of its server: host: smtp.example.com")
	}
	e.portAndTLS()
	e.ServerName, e.Helo = e.text("server_name"), e.text("helo")
	for _, key := range []string{"server_name", "helo"} {
		if strings.ContainsAny(e.text(key), " <>@") {
			e.wrong(e.key(key), "%s must be the name of a host", key)
		}
	}
	if file := e.text("ca_file"); file != "" {
		e.CAFile = within(e.dir, file)
		e.exists(e.key("ca_file"), e.CAFile)
	}
}

// portAndTLS settles both: a TLS mode other than the preset's brings its own
// port, and the port of STARTTLS its TLS mode.
func (e *entry) portAndTLS() {
	port, ported := e.values["port"].(int)
	mode := strings.ToLower(e.text("tls"))
	switch {
	case mode != "" && mode != e.TLS:
		e.TLS, e.Port = mode, portOf(mode)
	case mode == "" && port == 587:
		e.TLS = "starttls"
	}
	if ported {
		e.Port = port
	}
	switch {
	case portOf(e.TLS) == 0:
		e.wrong(e.key("tls"), "there is no TLS mode %q", e.TLS).Hinted("write implicit (port 465), starttls (port 587) or none")
	case (e.Port < 1 || e.Port > 65535) && e.Provider != "sandbox":
		e.wrong(e.key("port"), "there is no port %d", e.Port).Hinted("write a number from 1 to 65535, like 465")
	}
}

func portOf(mode string) int {
	switch mode {
	case "implicit":
		return 465
	case "starttls":
		return 587
	case "none":
		return 25
	}
	return 0
}

func (e *entry) address() {
	e.DisplayName = e.text("name")
	given := e.text("address")
	if given == "" {
		given = e.preset.Address
	}
	if given == "" && e.preset.Name != e.Provider {
		return // the one that is meant may make it up
	}
	if given == "" {
		e.wrong(e.path, "account %s has no address", e.Name).Hinted("write the mailbox it sends from: address: you@example.com")
		return
	}
	addr, name, _, f := list.ParseAddress(given)
	if f != nil {
		at := e.wrong(e.key("address"), "")
		at.What, at.Hint = f.What, f.Hint
		return
	}
	e.Address = addr
	if e.DisplayName == "" {
		e.DisplayName = name
	}
}

// login settles user name and secret: a preset wants both, another server
// only if one of them is given.
func (e *entry) login() {
	e.Username = e.text("username")
	written := e.text("secret")
	if written != "" {
		e.secret(written)
	}
	switch {
	case e.preset.Login == "" && written == "" && e.Username == "":
		return
	case written == "":
		f := e.wrong(e.path, "account %s has no secret", e.Name).Hinted("write where it is to be had: secret: env:NAME, file:PATH, cmd:COMMAND, keyring:NAME or vault:PATH#KEY")
		if hint := e.preset.Hint["en"]; hint != "" {
			f.Hinted("write where it is to be had: secret: env:NAME, file:PATH, cmd:COMMAND, keyring:NAME or vault:PATH#KEY. %s", fault.Text{Format: hint})
		}
	case e.Username == "" && e.preset.Login == "given":
		e.wrong(e.path, "account %s has no username", e.Name).Hinted("%s gives a user name of its own with the secret: username: …", e.Provider)
	case e.Username == "":
		e.Username = e.Address
	}
}

func (e *entry) secret(written string) {
	s, ok := ParseSecret(written)
	if !ok {
		e.wrong(e.key("secret"), "a secret does not stand in a file").
			Hinted("write where it is to be had: env:NAME, file:PATH, cmd:COMMAND, keyring:NAME or vault:PATH#KEY")
		return
	}
	s.file, s.line = e.place(e.key("secret"))
	s.dir, s.environ = e.dir, e.environ
	e.Secret = s
}

// plainText refuses what would go over a wire readable for all.
func (e *entry) plainText() {
	e.Insecure, _ = e.values["insecure"].(bool)
	if e.TLS != "none" || e.Provider == "sandbox" {
		return
	}
	if e.text("secret") != "" || e.Username != "" {
		e.wrong(e.key("tls"), "a login without TLS would show the secret to everyone on the way").
			Hinted("write tls: implicit or tls: starttls, or remove secret and username")
		return
	}
	if !e.Insecure && !isLoopback(e.Host) && e.Host != "" {
		e.wrong(e.key("tls"), "mails to %s would go unencrypted", e.Host).
			Hinted("write tls: implicit or tls: starttls; if it must be, add insecure: true")
	}
}

func isIP(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
