package notice

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"
)

// Kinds are the kinds of webhooks.
func Kinds() []string { return []string{JSON, WeCom, DingTalk, Feishu} }

const (
	JSON     = "json"
	WeCom    = "wecom"
	DingTalk = "dingtalk"
	Feishu   = "feishu"
)

// A letter is what is posted.
type letter struct {
	query  url.Values // added to the address
	header map[string]string
	body   []byte
}

// write makes the letter of a kind. All robots get plain text: what servers said
// and what campaigns are called is never read as Markdown.
func write(kind string, n Notice, secret string, now time.Time) (letter, error) {
	switch kind {
	case WeCom:
		return wecom(n)
	case DingTalk:
		return dingtalk(n, secret, now)
	case Feishu:
		return feishu(n, secret, now)
	}
	return generic(n, secret, now)
}

// generic signs the time and the body, so that a receiver can tell our notices
// from others' and new ones from old ones.
func generic(n Notice, secret string, now time.Time) (letter, error) {
	body, err := n.generic()
	l := letter{body: body, header: map[string]string{}}
	if secret != "" {
		stamp := strconv.FormatInt(now.Unix(), 10)
		l.header["X-Hongyan-Timestamp"] = stamp
		l.header["X-Hongyan-Signature"] = "sha256=" + hex.EncodeToString(sum(secret, stamp+"."+string(body)))
	}
	return l, err
}

// wecom is a text of at most 2048 bytes; the key in the address is the secret.
// https://developer.work.weixin.qq.com/document/path/91770
func wecom(n Notice) (letter, error) {
	body, err := json.Marshal(map[string]any{
		"msgtype": "text", "text": map[string]string{"content": clip(n.plain(), 2048)},
	})
	return letter{body: body}, err
}

// dingtalk signs "milliseconds\nsecret" under the secret, in the address.
// https://open.dingtalk.com/document/robots/customize-robot-security-settings
// https://open.dingtalk.com/document/robots/custom-robot-access (20 messages a minute)
func dingtalk(n Notice, secret string, now time.Time) (letter, error) {
	body, err := json.Marshal(map[string]any{
		"msgtype": "text", "text": map[string]string{"content": clip(n.plain(), 4096)},
	})
	l := letter{body: body, query: url.Values{}}
	if secret != "" {
		stamp := strconv.FormatInt(now.UnixMilli(), 10)
		l.query.Set("timestamp", stamp)
		l.query.Set("sign", base64.StdEncoding.EncodeToString(sum(secret, stamp+"\n"+secret)))
	}
	return l, err
}

// feishu signs nothing under "seconds\nsecret", in the body, which may have 20 KB.
// https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
func feishu(n Notice, secret string, now time.Time) (letter, error) {
	fields := map[string]any{
		"msg_type": "text", "content": map[string]string{"text": clip(n.plain(), 4096)},
	}
	if secret != "" {
		stamp := strconv.FormatInt(now.Unix(), 10)
		fields["timestamp"] = stamp
		fields["sign"] = base64.StdEncoding.EncodeToString(sum(stamp+"\n"+secret, ""))
	}
	body, err := json.Marshal(fields)
	return letter{body: body}, err
}

func sum(key, text string) []byte {
	digest := hmac.New(sha256.New, []byte(key))
	digest.Write([]byte(text))
	return digest.Sum(nil)
}

// clip leaves so many bytes of a text, and whole characters.
func clip(text string, most int) string {
	const more = "…"
	if len(text) <= most {
		return text
	}
	end := most - len(more)
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + more
}

// An answer is what a robot says in the body of a 200: WeCom and DingTalk say
// errcode and errmsg, Feishu says code and msg.
type answer struct {
	Errcode int    `json:"errcode"`
	Errmsg  string `json:"errmsg"`
	Code    int    `json:"code"`
	Msg     string `json:"msg"`
}

// refusal is what a robot has against a notice; false: nothing.
func refusal(kind string, body []byte) (code int, why string, refused bool) {
	if kind == JSON {
		return 0, "", false
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return 0, "the answer is not JSON", true
	}
	if kind == Feishu {
		return a.Code, a.Msg, a.Code != 0
	}
	return a.Errcode, a.Errmsg, a.Errcode != 0
}

// busy reports whether a robot's code says that it was too much at once:
// 45009 of WeCom, 130101 and 410100 of DingTalk, 9499 and 11232 of Feishu.
func busy(code int) bool {
	switch code {
	case 45009, 130101, 410100, 9499, 11232:
		return true
	}
	return false
}
