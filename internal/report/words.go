package report

import (
	"strconv"
	"strings"
	"time"

	"hongyan/internal/ledger"
)

// words are what the page says in one language. The words of the states in
// CSV and JSON are never translated: programs read them.
type words struct {
	Lang, Row, Rows, AsOf, When, Why, Line, Address, Account, Answer, Time, Find, More, Doubt, Books string
	Abandoned, Broken, Given, GivenOnce                                                              string
	states                                                                                           map[ledger.State]string
	sources                                                                                          map[ledger.Source]string // none: as they are
}

func wordsOf(lang string) words {
	if strings.HasPrefix(strings.ToLower(lang), "zh") {
		return chinese()
	}
	return english()
}

func english() words {
	return words{
		Lang: "en", Abandoned: ledger.AbandonedWhy, Broken: ledger.BrokenDown,
		Given: "given up after N attempts: ", GivenOnce: "given up after 1 attempt: ",
		Row: "row", Rows: "rows", AsOf: "as of", When: "When mails were sent", Why: "Why mails were not sent",
		Line: "Line", Address: "Address", Account: "Account", Answer: "Answer", Time: "Time", Find: "Find an address or an answer",
		More:  "and N more: see the CSV",
		Doubt: "Handed over whole, but no answer came: they may have the mail. They are not in failed.csv, since feeding them back could mail them twice; settle them first.",
		Books: "The books do not balance",
	}
}

func chinese() words {
	return words{
		Lang: "zh-CN", Abandoned: "交出邮件时程序中断：服务器可能已全部收到", Broken: "正文交完之前程序出错",
		Given: "尝试 N 次后放弃：", GivenOnce: "尝试 1 次后放弃：",
		Row: "行", Rows: "行", AsOf: "截至", When: "发送时间", Why: "未发送的原因",
		Line: "行号", Address: "地址", Account: "账号", Answer: "服务器答复", Time: "时间", Find: "查找地址或答复",
		More:  "另有 N 行，见 CSV",
		Doubt: "正文已全部交给服务器，但没有收到答复：对方可能已收到。failed.csv 不含这些行，以免重复发送；请先逐一核定。",
		Books: "账目不平",
		states: map[ledger.State]string{
			ledger.Queued: "待发", ledger.Sending: "发送中", ledger.Sent: "已发", ledger.Refused: "被拒",
			ledger.Deferred: "延后", ledger.InDoubt: "存疑", ledger.Skipped: "跳过", ledger.Suppressed: "免发",
		},
		sources: map[ledger.Source]string{
			ledger.Unsubscribe: "退订", ledger.Bounce: "退信", ledger.Manual: "手工", ledger.Import: "导入",
		},
	}
}

// State is the word for a state.
func (w words) State(s ledger.State) string {
	if word, ok := w.states[s]; ok {
		return word
	}
	return string(s)
}

// answer is what became of an entry, with the code, as the page says it: a server's
// words as they were, hongyan's own in the language of the page.
func (w words) answer(e ledger.Entry) string {
	switch tries, last, givenUp := ledger.ReadGivenUp(e.Reply); {
	case e.Reply == ledger.AbandonedWhy:
		return w.Abandoned
	case e.Reply == ledger.BrokenDown:
		return w.Broken
	case givenUp:
		e.Reply = w.given(tries) + last
		return full(e)
	}
	by, ours := ledger.ReadWhy(e.Rule, e.Reply)
	source := w.sources[by.Source]
	switch {
	case !ours || source == "":
		return full(e)
	case by.Reason == "":
		return source + "（" + by.At.Format(time.DateOnly) + "）"
	}
	return source + "（" + by.At.Format(time.DateOnly) + "）：" + Printable(by.Reason)
}

// given says that somebody was given up after so many attempts.
func (w words) given(attempts int) string {
	if attempts == 1 {
		return w.GivenOnce
	}
	return strings.Replace(w.Given, "N", strconv.Itoa(attempts), 1)
}

// counted is what so many rows are called.
func (w words) counted(rows int) string {
	if rows == 1 {
		return w.Row
	}
	return w.Rows
}

func (w words) more(n string) string { return strings.Replace(w.More, "N", n, 1) }
