package unsubscribe

import (
	"net/http"

	"golang.org/x/text/language"
)

// words are what the pages say in one language.
type words struct {
	Lang                          string
	AskTitle, AskText             string
	LeftTitle, LeftText           string
	BackTitle, BackText           string
	LeaveButton, BackButton       string
	Reason                        string
	Unknown, Odd, TooMany, Broken string
}

func english() words {
	return words{
		Lang:     "en",
		AskTitle: "Unsubscribe?", AskText: "You will get no more mail of this list.",
		LeftTitle: "You are unsubscribed", LeftText: "You will get no more mail of this list. Mail that is on its way already may still arrive.",
		BackTitle: "You are subscribed again", BackText: "This list may write to you again, unless its sender has other reasons not to.",
		LeaveButton: "Unsubscribe", BackButton: "That was a mistake: undo",
		Reason:  "Would you tell us why? (optional)",
		Unknown: "This link is not complete or no longer good. Please copy all of it from the mail, or reply to the mail.",
		Odd:     "This is not how this page is used. Please follow the link in the mail.",
		TooMany: "Too many requests. Please try again in a moment.",
		Broken:  "This cannot be done at the moment. Please try again later.",
	}
}

func chinese() words {
	return words{
		Lang:     "zh-CN",
		AskTitle: "要退订吗？", AskText: "退订后，您不会再收到此名录的邮件。",
		LeftTitle: "您已退订", LeftText: "您不会再收到此名录的邮件；已在途中的邮件仍可能送达。",
		BackTitle: "您已重新订阅", BackText: "您会重新收到此名录的邮件，除非发件方另有原因停发。",
		LeaveButton: "退订", BackButton: "点错了，撤销退订",
		Reason:  "愿意告诉我们原因吗？（选填）",
		Unknown: "此链接不完整或已失效。请从邮件中完整复制链接，或直接回复邮件。",
		Odd:     "请从邮件中的链接进入本页面。",
		TooMany: "请求过于频繁，请稍后再试。",
		Broken:  "暂时无法处理，请稍后再试。",
	}
}

var spoken = language.NewMatcher([]language.Tag{language.English, language.Chinese})

// wordsFor picks the language that the visitor's browser asks for.
func wordsFor(r *http.Request) words {
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return english()
	}
	if _, i, _ := spoken.Match(wanted...); i == 1 {
		return chinese()
	}
	return english()
}
