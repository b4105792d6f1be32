package web

import (
	"context"
	"errors"
	"slices"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/ledger"
	"hongyan/internal/report"
)

// Books is what the pages read of the ledger, and the few papers that they keep
// in it themselves.
type Books interface {
	ledger.Reader
	ledger.Suppressor
	ledger.Journal
	ledger.Shelf
	// Holds lists the holds that were not lifted, by account.
	Holds(ctx context.Context) ([]ledger.Hold, error)
}

// A Desk is what the pages act through: the office at work. Its methods are safe
// for concurrent use. What is asked for and is not there is an [ErrUnknown];
// what cannot be done now is a [*Refusal]; any other error is a breakdown.
type Desk interface {
	Files
	Floor
	Corrections
	Mailboxes
	Hands
	Reports
}

// ErrUnknown says that there is no such campaign, issue, recipient or account.
var ErrUnknown = errors.New("there is no such thing")

// A Refusal says why an act cannot be done now, to be shown to the person.
type Refusal struct{ Why fault.Text }

func (r *Refusal) Error() string { return r.Why.String() }

// Files are the campaigns as their folder holds them.
type Files interface {
	// Campaigns lists them by name, as they were last read; it is quick.
	Campaigns(ctx context.Context) ([]Campaign, error)
	// Draft looks at what an issue would be made of now: it reads the list and
	// composes mails, which may take seconds. Without the name of an issue it is
	// that which a start would begin; the Draft's Key says which.
	Draft(ctx context.Context, k ledger.Key) (Draft, error)
	// Preview composes the mail of the list's n-th recipient, from 1; of an
	// issue that there is not it is that of the one a start would begin.
	Preview(ctx context.Context, k ledger.Key, n int) (Mail, error)
}

// A Campaign is one file of the folder.
type Campaign struct {
	Name, File, Subject string
	List                string   // whose suppressions count for it
	Recipients          string   // the file of recipients
	Accounts            []string // by which it is sent
	Issue               string   // that a start begins when no other is named
	Schedule            string   // as the campaign says it; "" when it has none
	Next                []time.Time
	Faults              fault.Faults // of the file as it is now; the last good one stays in force
}

// A Draft is what sending an issue would do.
type Draft struct {
	Key        ledger.Key
	Recipients int           // people in the list, each once
	Open       int           // mails still to be sent
	Unfit      int           // rows that cannot become a mail
	Takes      time.Duration // at the accounts' limits; 0 when nothing is open
	List       fault.Text    // how the list is read
	Notes      []fault.Text  // what a person should know before starting
	Changed    []string      // inputs that differ from what the issue was frozen with
	Findings   []Finding
	Faults     fault.Faults // when there are any, there is nothing else
}

// A Finding is what lint says of the mail.
type Finding struct {
	Rule, Severity string     // severity: error, warning, info
	Place          string     // "file:line", "" when it stands in no line
	What, Hint     fault.Text // Hint may be zero
}

// A Mail is what one recipient would get.
type Mail struct {
	N, Of         int // it is the N-th of Of
	Line          int // of the list
	Address, Name string
	From, Subject string
	HTML, Text    string // the HTML with its images inside, as "data:"
	Source        string // the message as it would be sent, bounded
	Size          int64
	Attachments   []string
	Findings      []Finding
	Unfit         fault.Text // not zero: why the row cannot become a mail
}

// The standings of an issue on the floor.
const (
	Running = "running" // mails leave, or an account waits for its limits
	Paused  = "paused"  // by a person
	Held    = "held"    // its accounts are held
	Stopped = "stopped" // by a verdict or a breakdown; a person has to act
)

// Floor is where issues are on their way.
type Floor interface {
	// Jobs lists the issues that are at work, waiting, paused or stopped;
	// those that are at an end are not among them.
	Jobs(ctx context.Context) ([]Job, error)
	// Start puts an issue on the floor, now. What the Draft says to have changed
	// is accepted by it, since the person was shown. It is a Refusal of an issue
	// that is there already, and of one whose Draft has faults.
	Start(ctx context.Context, k ledger.Key, by string) error
	// Pause lets the mails in flight end and begins no other until Resume, over
	// restarts too.
	Pause(ctx context.Context, k ledger.Key, by string) error
	Resume(ctx context.Context, k ledger.Key, by string) error
}

// A Job is an issue on the floor.
type Job struct {
	Key      ledger.Key
	Standing string
	Until    time.Time     // when it goes on by itself; zero when it does not wait
	Why      fault.Text    // why it waits, is held or stopped; zero otherwise
	Takes    time.Duration // for the open mails at the accounts' limits; 0 = not known
}

// Hands are who works on the floor.
type Hands interface {
	// Crew tells of the processes that share the ledger; nil where one has it alone.
	Crew(ctx context.Context) (*Crew, error)
}

// A Crew is who works on a ledger that processes share, and what waits for them.
type Crew struct {
	Workers []Worker
	Queue   []Queue
}

// A Worker is a process on a shared ledger, of today.
type Worker struct {
	Name     string
	Since    time.Time
	Until    time.Time // it is taken for dead unless it is heard of before
	Works    bool      // it takes whatever is due; else it looks, or came for one errand
	Takes    []string  // the accounts that it would take; nil: any
	Alive    bool
	Accounts []string // nobody else may use them until then
}

// A Queue is what could leave now and is in nobody's hands.
type Queue struct {
	Key     ledger.Key
	Account string // that alone may try them again; "" = any of the issue's
	Due     int    // mails
	Since   time.Time
	Paused  bool // its issue is: nobody is to take it
}

// Depth is how many mails wait for a worker; what is paused waits for a person.
func (c *Crew) Depth() (mails int) {
	for _, q := range c.Queue {
		if !q.Paused {
			mails += q.Due
		}
	}
	return mails
}

// Lag is for how long the first of them has waited.
func (c *Crew) Lag() (longest time.Duration) {
	for _, q := range c.Queue {
		if !q.Paused {
			longest = max(longest, time.Since(q.Since))
		}
	}
	return longest
}

// Idle reports whether nobody is there to work.
func (c *Crew) Idle() bool {
	return !slices.ContainsFunc(c.Workers, func(w Worker) bool { return w.Works && w.Alive })
}

// Has is the worker that has an account; "" if nobody has it.
func (c *Crew) Has(account string) string {
	for _, w := range c.Workers {
		if w.Alive && slices.Contains(w.Accounts, account) {
			return w.Name
		}
	}
	return ""
}

// Corrections are what a person decides about mails.
type Corrections interface {
	// Test sends mails of chosen rows to a person's own addresses and returns
	// how many left. Nothing is recorded as sent to the recipients.
	Test(ctx context.Context, k ledger.Key, t Test) (sent int, err error)
	// Retry opens refused entries of some classes again; they are due at once,
	// and the issue goes on the floor.
	Retry(ctx context.Context, k ledger.Key, r ledger.Reopening) (int, error)
	// Settle decides entries that are in doubt; those to be sent again bring the
	// issue back on the floor.
	Settle(ctx context.Context, k ledger.Key, s ledger.Settlement) (int, error)
}

// A Test says whose mails go to whom.
type Test struct {
	To   []string // addresses as a person writes them
	Rows string   // lines of the list, like "3,9-14"; "" = the first few
	By   string
}

// Reports are what is written of issues.
type Reports interface {
	// ReportOptions say how an issue's report looks, so that one which is downloaded
	// is the one that lies on the disk.
	ReportOptions(ctx context.Context, k ledger.Key, lang string) (report.Options, error)
}

// Mailboxes are the accounts.
type Mailboxes interface {
	// Accounts lists them by name.
	Accounts(ctx context.Context) ([]Account, error)
	// Lift ends an account's hold.
	Lift(ctx context.Context, account, by string) error
	// Probe connects and logs in, and sends nothing. What went wrong with the
	// server is in the Probe.
	Probe(ctx context.Context, account string) (Probe, error)
}

// An Account is a mailbox with its limits and what is used of them.
type Account struct {
	Name, Provider, Address string
	Limits                  []fault.Text // in sentences
	Windows                 []Window
	Learned                 []fault.Text // nothing at full pace
	Pace                    float64      // share of the configured pace, 1 = all of it
	Hold                    *ledger.Hold // nil when it is not held
	Next                    time.Time    // when its next mail may leave; zero: now
}

// A Window is one of an account's limits with what is used of it now.
type Window struct {
	Name      string // as people say it: "100/day"
	Used, Max int
}

// A Probe is what a connection showed.
type Probe struct {
	Remote, TLS, Cipher string
	Names               []string // in the certificate
	Expires             time.Time
	Extensions          []string
	LoggedIn            bool
	Failed              string       // the server's or the network's words; "" when all went well
	Means               []fault.Text // what the rules make of it
}
