package lint

import (
	"slices"

	"hongyan/internal/fault"
)

type rule struct {
	id       string
	severity Severity
	title    string
}

// The rules. An id is part of what users write and machines read: it is never
// renamed.
var (
	subjectEmpty     = rule{"subject-empty", Error, "The mail has no subject"}
	subjectLength    = rule{"subject-length", Warning, "The subject is cut in most lists of mails (over 60 columns; a hanzi takes two)"}
	subjectShouting  = rule{"subject-shouting", Warning, "The subject shouts: capitals, rows of exclamation marks"}
	preheaderMissing = rule{"preheader-missing", Info, "No preheader: clients show the first words of the body beside the subject"}
	htmlSize         = rule{"html-size", Warning, "HTML over 102 KB is clipped by Gmail"}
	styleSize        = rule{"style-size", Warning, "<style> over 16 KB is dropped by Gmail"}
	messageSize      = rule{"message-size", Error, "The mail is larger than the provider takes"}
	textMissing      = rule{"text-missing", Warning, "There is no text part"}
	textDiffers      = rule{"text-differs", Warning, "The text part and the HTML say different things"}
	imageOnly        = rule{"image-only", Warning, "The mail is nearly all images"}
	langMissing      = rule{"lang-missing", Info, "<html> has no lang: screen readers guess the language"}
	hole             = rule{"hole", Error, "A hole of the template was not filled"}
	holeValue        = rule{"hole-value", Warning, "A value looks like a missing one (None, undefined, NaN, #N/A)"}
	strayEmphasis    = rule{"stray-emphasis", Warning, "Markdown marks are left in the text"}
	linkEmpty        = rule{"link-empty", Warning, "A link has no target or no text"}
	linkBroken       = rule{"link-broken", Error, "A link or image leads nowhere for the recipient"}
	linkInsecure     = rule{"link-insecure", Warning, "A link or image uses http: instead of https:"}
	linkDeceives     = rule{"link-deceives", Warning, "A link's text names another site than its target"}
	linkShortened    = rule{"link-shortened", Info, "A link goes through a shortener, as spam does"}
	linkVague        = rule{"link-vague", Info, "A link's text says only \"click here\""}
	imgAlt           = rule{"img-alt", Warning, "An image has no alt text"}
	imageSize        = rule{"image-size", Warning, "Images are large"}
	imageTracking    = rule{"image-tracking", Warning, "An image looks like a tracking pixel"}
	contrast         = rule{"contrast", Warning, "Text is hard to read on its background (below 4.5:1)"}
	activeContent    = rule{"active-content", Error, "Scripts and frames are removed by clients and look like an attack"}
	formContent      = rule{"form-content", Warning, "Forms do not work in most clients"}
	clientSupport    = rule{"client-support", Warning, "Clients of many readers do not support a feature (caniemail.com)"}
	clientDegrades   = rule{"client-degrades", Info, "Clients of many readers ignore a feature; the mail stays readable"}
	clientUnverified = rule{"client-unverified", Info, "QQ Mail or NetEase may not support a feature (unverified)"}
	columnUnknown    = rule{"column-unknown", Error, "The template uses a column that the list does not have"}
	columnUnused     = rule{"column-unused", Info, "The list has a column that the template does not use"}
	unsubUnsigned    = rule{"unsubscribe-unsigned", Warning, "The provider's DKIM signature does not cover List-Unsubscribe: no button will appear"}
	unsubMissing     = rule{"unsubscribe-missing", Warning, "A newsletter shows no way to unsubscribe"}

	// What is wrong with what a mail is made of; told to programs beside what is
	// wrong with the mail.
	campaignFault = rule{"fault", Error, "A fault in the campaign, its files or the configuration: nothing could be sent"}
	rowSkipped    = rule{"row-skipped", Warning, "A row of the list cannot become a mail"}
	rowDuplicate  = rule{"duplicate", Info, "The address stands on an earlier row already; it gets one mail"}
	rowAddress    = rule{"address", Info, "An address is read otherwise than written, or looks like a slip"}

	dataUnread   = rule{"data-unread", Warning, "What an issue tells afresh comes from a server that was not asked"}
	scheduleOver = rule{"schedule-over", Warning, "The schedule was over before an issue came of it"}

	// What only a network can tell: the findings of lint/online.
	linkDead       = rule{"link-dead", Error, "A link leads to a page or a site that does not exist"}
	linkUnanswered = rule{"link-unanswered", Warning, "A link's site answers with an error, or not at all"}
	linkPrivate    = rule{"link-private", Warning, "A link's host is in a private network"}
	linkHTTPS      = rule{"link-https", Info, "An http: link works with https: too"}
	domainNullMX   = rule{"domain-null-mx", Warning, "A recipient's domain says that it takes no mail (null MX)"}
	domainNoMail   = rule{"domain-no-mail", Warning, "A recipient's domain does not exist, or has no mail server"}
	spfMissing     = rule{"spf-missing", Warning, "The sender's domain has no SPF record"}
	spfBroken      = rule{"spf-broken", Warning, "The SPF record of the sender's domain does not work as meant"}
	dkimMissing    = rule{"dkim-missing", Error, "The key that mails are signed with is not in the DNS"}
	dkimBroken     = rule{"dkim-broken", Error, "The DKIM record in the DNS does not fit the key that mails are signed with"}
	dkimUnknown    = rule{"dkim-unknown", Info, "Whether the provider signs with DKIM for the domain cannot be seen from here"}
	dmarcMissing   = rule{"dmarc-missing", Warning, "The sender's domain has no DMARC record"}
	dmarcBroken    = rule{"dmarc-broken", Warning, "The DMARC record of the sender's domain does not work as meant"}
	senderProvider = rule{"sender-provider", Info, "SPF, DKIM and DMARC of the sender's domain are its provider's job"}
	onlineUnknown  = rule{"online-unchecked", Info, "Something could not be checked online"}
)

func rules() []rule {
	return []rule{
		subjectEmpty, subjectLength, subjectShouting, preheaderMissing, htmlSize, styleSize, messageSize,
		textMissing, textDiffers, imageOnly, langMissing, hole, holeValue, strayEmphasis, linkEmpty, linkBroken,
		linkInsecure, linkDeceives, linkShortened, linkVague, imgAlt, imageSize, imageTracking, contrast,
		activeContent, formContent, clientSupport, clientDegrades, clientUnverified, columnUnknown, columnUnused,
		unsubUnsigned, unsubMissing, campaignFault, rowSkipped, rowDuplicate, rowAddress, dataUnread, scheduleOver, linkDead, linkUnanswered, linkPrivate, linkHTTPS, domainNullMX, domainNoMail, spfMissing,
		spfBroken, dkimMissing, dkimBroken, dkimUnknown, dmarcMissing, dmarcBroken, senderProvider, onlineUnknown,
	}
}

// A Rule is one kind of finding, as SARIF lists them.
type Rule struct {
	ID       string
	Severity Severity
	Title    string // in English
}

// Rules returns every rule there is.
func Rules() []Rule {
	var out []Rule
	for _, r := range rules() {
		out = append(out, Rule{ID: r.id, Severity: r.severity, Title: r.title})
	}
	return out
}

// Found returns a finding of the rule with that id, for checks beside those of
// Check; an id that is none of Rules is an error.
func Found(id string, what, hint fault.Text) Finding {
	f := Finding{Rule: id, Severity: Error, What: what, Hint: hint}
	if i := ruleIndex(id); i >= 0 {
		f.Severity = rules()[i].severity
	}
	return f
}

// OfFault is a fault as a finding. See [Found].
func OfFault(id string, f *fault.Fault) Finding {
	out := Found(id, f.What, f.Hint)
	out.File, out.Line = f.File, f.Line
	return out
}

func ruleIndex(id string) int {
	return slices.IndexFunc(rules(), func(r rule) bool { return r.id == id })
}
