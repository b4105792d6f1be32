package reply

import "time"

// A Class says what kind of trouble an answer is.
type Class string

// The classes, and what each asks of a mailer. They are policy, so meanings
// has the default scope and wait of each beside it.
const (
	Transient    Class = "transient"     // the same mail again later, same account
	RcptPerm     Class = "rcpt-perm"     // never again to this address
	MsgPerm      Class = "msg-perm"      // this mail is malformed or too big
	Auth         Class = "auth"          // the login is no good: a person must act
	RateAccount  Class = "rate-account"  // the account is throttled
	RateIP       Class = "rate-ip"       // the client's address is throttled
	Content      Class = "content"       // the text is refused
	RateRcpt     Class = "rate-rcpt"     // only this recipient is throttled
	SenderConfig Class = "sender-config" // From, TLS or rights do not fit the account
	DomainAuth   Class = "domain-auth"   // SPF, DKIM or DMARC of the sending domain
	Proto        Class = "proto"         // order or syntax: our bug or a lost session
	Unknown      Class = "unknown"       // no rule knows it
)

// A Scope says whom a verdict stops.
type Scope string

// The scopes, from narrow to wide.
const (
	Recipient Scope = "recipient"
	Message   Scope = "message" // the same as Recipient, for the mail's own fault
	Domain    Scope = "domain"  // all recipients of that domain
	Account   Scope = "account"
	Run       Scope = "run"
)

// A Verdict says what is to be done about an answer.
type Verdict struct {
	Class     Class
	Scope     Scope
	Final     bool          // the recipient is done: refused
	Human     bool          // the hold ends only when a person acts
	Wait      time.Duration // how long the scope rests; 0 = the retry schedule decides
	Streak    int           // the scope rests only from the n-th verdict of its class in a row; 1 = at once
	Reconnect bool          // the connection is no good any more: a new one goes on
	Fewer     bool          // one connection too many: where others are open they go on
	Rule      string        // the rule that decided: `qq "Too many attempts"`, "common 5.1.1"
	Source    string        // where the rule comes from
}

// meanings is what a class asks for when its rule does not say otherwise.
func meanings() map[Class]Verdict {
	return map[Class]Verdict{
		Transient:    {Scope: Recipient, Streak: 1},
		RcptPerm:     {Scope: Recipient, Streak: 1, Final: true},
		MsgPerm:      {Scope: Message, Streak: 1, Final: true},
		Auth:         {Scope: Account, Streak: 1, Human: true},
		RateAccount:  {Scope: Account, Streak: 1, Wait: 3 * time.Hour},
		RateIP:       {Scope: Account, Streak: 1, Wait: time.Hour},
		Content:      {Scope: Run, Streak: 3, Final: true, Human: true},
		RateRcpt:     {Scope: Recipient, Streak: 1, Wait: time.Hour},
		SenderConfig: {Scope: Account, Streak: 1, Human: true},
		DomainAuth:   {Scope: Account, Streak: 1, Human: true},
		Proto:        {Scope: Account, Streak: 2, Human: true, Reconnect: true},
		Unknown:      {Scope: Account, Streak: 3, Wait: time.Hour},
	}
}

// Classes lists all classes.
func Classes() []Class {
	return []Class{
		Transient, RcptPerm, MsgPerm, Auth, RateAccount, RateIP,
		Content, RateRcpt, SenderConfig, DomainAuth, Proto, Unknown,
	}
}

func scopes() []Scope { return []Scope{Recipient, Message, Domain, Account, Run} }
