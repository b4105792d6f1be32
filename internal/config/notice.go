package config

import (
	"context"
	"maps"
	"slices"
	"strings"

	"hongyan/internal/list"
	"hongyan/internal/notice"
)

// ByMail is the kind of a notice that is none of package notice's.
const ByMail = "mail"

// A Notice says who is told what happens: a webhook, or somebody by mail.
type Notice struct {
	Name    string
	Kind    string   // ByMail, or a kind of webhook
	On      []string // of notice.News; empty: all of them
	Secret  Secret   // that a webhook's notices are signed with; may be zero
	Private bool     // the webhook may be reached where nothing is public
	Mail    string   // the address; "" for a webhook
	Account string   // that the mail leaves through

	Webhook notice.Address // as it is written
	Hidden  Secret         // or where it is to be had
}

// Address reads where the webhook is.
func (n Notice) Address(ctx context.Context) (notice.Address, error) {
	if n.Hidden.IsZero() {
		return n.Webhook, nil
	}
	text, err := n.Hidden.Read(ctx)
	if err != nil {
		return notice.Address{}, err
	}
	address, ok := notice.ParseAddress(text)
	if !ok {
		return notice.Address{}, n.Hidden.wrong("what is to be had there is no address of a webhook")
	}
	return address, nil
}

// A notification is one Notice on its way from values.
type notification struct {
	*builder
	path   string
	values map[string]any
	Notice
}

// notices reads who is told. The accounts are known already.
func (b *builder) notices(values map[string]any, accounts map[string]Account, usual string) []Notice {
	var out []Notice
	for _, name := range slices.Sorted(maps.Keys(values)) {
		n := notification{builder: b, path: join("notices", name), values: branchOf(values[name])}
		n.Name = name
		n.news()
		switch hook, mail := n.text("webhook"), n.text("mail"); {
		case (hook == "") == (mail == ""):
			b.wrong(n.path, "notice %s must have a webhook or a mail address, one of them", name).
				Hinted("write webhook: https://… or mail: you@example.com")
		case hook != "":
			n.webhook(hook)
		default:
			n.mail(mail, accounts, usual)
		}
		out = append(out, n.Notice)
	}
	return out
}

func (n *notification) key(key string) string { return join(n.path, key) }

func (n *notification) text(key string) string { return text(n.values[key]) }

// news reads which news are wanted.
func (n *notification) news() {
	for word := range strings.SplitSeq(n.text("on"), ",") {
		if word = strings.TrimSpace(word); word == "" {
			continue
		}
		if !slices.Contains(notice.News(), word) {
			n.suggest(n.wrong(n.key("on"), "there are no news %q", word), word, notice.News())
			continue
		}
		n.On = append(n.On, word)
	}
}

// webhook reads an address, or where it is to be had. It never repeats it: who
// knows the address of a webhook can write there.
func (n *notification) webhook(written string) {
	n.Private, _ = n.values["private"].(bool)
	if hidden, ok := ParseSecret(written); ok {
		n.Hidden = n.placed(hidden, "webhook")
	} else if n.Webhook, ok = notice.ParseAddress(written); !ok {
		n.wrong(n.key("webhook"), "it is no address of a webhook").Hinted("write https://…, or where it is to be had: env:NAME, file:PATH …")
		return
	} else if !n.Webhook.Secure() && !n.Private {
		n.wrong(n.key("webhook"), "notices would go unencrypted").Hinted("write https://…; within a private network add private: true")
	}
	n.kind()
	written = n.text("secret")
	if written == "" {
		return
	}
	secret, ok := ParseSecret(written)
	switch {
	case !ok:
		n.wrong(n.key("secret"), "a secret does not stand in a file").
			Hinted("write where it is to be had: env:NAME, file:PATH, cmd:COMMAND, keyring:NAME or vault:PATH#KEY")
	case n.Kind == notice.WeCom:
		n.wrong(n.key("secret"), "WeCom signs nothing: its secret is the key in the address").Hinted("remove the line")
	default:
		n.Secret = n.placed(secret, "secret")
	}
}

// placed is a secret that knows where it is written.
func (n *notification) placed(s Secret, key string) Secret {
	s.file, s.line = n.place(n.key(key))
	s.dir, s.environ = n.dir, n.environ
	return s
}

// kind reads the kind of a webhook, or sees it by the host.
func (n *notification) kind() {
	n.Kind = n.text("kind")
	if n.Kind == "" {
		n.Kind = kindAt(strings.TrimSuffix(n.Webhook.String(), "/…"))
	}
	if !slices.Contains(notice.Kinds(), n.Kind) {
		n.suggest(n.wrong(n.key("kind"), "there is no kind %q of webhook", n.Kind), n.Kind, notice.Kinds())
	}
}

func kindAt(host string) string {
	switch host {
	case "qyapi.weixin.qq.com":
		return notice.WeCom
	case "oapi.dingtalk.com":
		return notice.DingTalk
	case "open.feishu.cn", "open.larksuite.com":
		return notice.Feishu
	}
	return notice.JSON
}

// mail reads an address and the account that the mail leaves through.
func (n *notification) mail(written string, accounts map[string]Account, usual string) {
	n.Kind = ByMail
	address, _, _, f := list.ParseAddress(written)
	if f != nil {
		at := n.wrong(n.key("mail"), "")
		at.What, at.Hint = f.What, f.Hint
		return
	}
	n.Mail, n.Account = address, strings.ToLower(n.text("account"))
	if n.Account == "" {
		n.Account = usual
	}
	if _, ok := accounts[n.Account]; !ok {
		n.suggest(n.wrong(n.key("account"), "there is no account %q", n.Account), n.Account, slices.Sorted(maps.Keys(accounts)))
	}
	for _, key := range []string{"kind", "secret", "private"} {
		if n.values[key] != nil {
			n.wrong(n.key(key), "%s is for webhooks", key).Hinted("remove the line")
		}
	}
}
