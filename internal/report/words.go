package report

import (
	"strings"

	"hongyan/internal/catalogue"
	"hongyan/internal/ledger"
)

// words are what the page says in one language. The words of the states in
// CSV and JSON are never translated: programs read them.
type words struct {
	catalogue.Words
	Lang, Row, Rows, AsOf, When, Why, Line, Address, Account, Answer, Time, Find, More, Doubt, Books string
}

func wordsOf(lang string) words {
	if strings.HasPrefix(strings.ToLower(lang), "zh") {
		return chinese()
	}
	return english()
}

func english() words {
	return words{
		Words: catalogue.In("en"), Lang: "en",
		Row: "row", Rows: "rows", AsOf: "as of", When: "When mails were sent", Why: "Why mails were not sent",
		Line: "Line", Address: "Address", Account: "Account", Answer: "Answer", Time: "Time", Find: "Find an address or an answer",
		More:  "and N more: see the CSV",
		Doubt: "Handed over whole, but no answer came: they may have the mail. They are not in failed.csv, since feeding them back could mail them twice; settle them first.",
		Books: "The books do not balance",
	}
}

func chinese() words {
	return words{
		Words: catalogue.In("zh"), Lang: "zh-CN",
		Row: "行", Rows: "行", AsOf: "截至", When: "发送时间", Why: "未发送的原因",
		Line: "行号", Address: "地址", Account: "账号", Answer: "服务器答复", Time: "时间", Find: "查找地址或答复",
		More:  "另有 N 行，见 CSV",
		Doubt: "正文已全部交给服务器，但没有收到答复：对方可能已收到。failed.csv 不含这些行，以免重复发送；请先逐一核定。",
		Books: "账目不平",
	}
}

// State is the word for a state.
func (w words) State(s ledger.State) string { return w.Word(string(s)) }

// answer is what became of an entry, with the code, in the language of the page.
func (w words) answer(e ledger.Entry) string {
	e.Reply = w.Text(Answer(e.Reply, e.Rule))
	return full(e)
}

// counted is what so many rows are called.
func (w words) counted(rows int) string {
	if rows == 1 {
		return w.Row
	}
	return w.Rows
}

func (w words) more(n string) string { return strings.Replace(w.More, "N", n, 1) }
