package sandbox

import "time"

// A Stage is a point of the dialogue at which an Action can step in.
type Stage string

const (
	AtConnect  Stage = "connect"  // before TLS and before the greeting
	AtGreeting Stage = "greeting" // instead of the 220
	AtEhlo     Stage = "ehlo"
	AtStartTLS Stage = "starttls"
	AtAuth     Stage = "auth" // the verdict on the login
	AtMail     Stage = "mail"
	AtRcpt     Stage = "rcpt"
	AtData     Stage = "data"  // instead of the 354
	AtBody     Stage = "body"  // when the first bytes of the body are there
	AtDot      Stage = "dot"   // the body is whole, the mail not yet kept; an answer other than 2yz refuses it
	AtTaken    Stage = "taken" // the mail is kept, the answer not yet given
	AtQuit     Stage = "quit"
)

// A Cut is how a connection ends.
type Cut string

const (
	Stay  Cut = ""      // it goes on
	Close Cut = "close" // in good order, after what was said has been read
	Drop  Cut = "drop"  // without a TLS goodbye
	Reset Cut = "reset" // by a TCP reset
)

// An Action is what the server does at a stage instead of, or around, its own
// answer; the zero Action changes nothing.
type Action struct {
	Wait    time.Duration // before the answer
	Reply   string        // instead of its own answer; lines are parted by \n
	Mute    bool          // no answer
	Drip    time.Duration // between the bytes of the answer
	Endless bool          // the answer goes on until the client leaves
	Cut     Cut           // what becomes of the connection then
}

// try remembers the first try at an address whose conduct depends on it.
type try struct {
	first time.Time
	n     int
}

// action is what happens at this stage: the hook's wish, else the conduct of
// the recipients, else nothing special.
func (s *Server) action(stage Stage, to []string, now time.Time) Action {
	if s.o.Hook != nil {
		if a := s.o.Hook(stage, s.reached(stage)); a != (Action{}) {
			return a
		}
	}
	for _, address := range to {
		if c, ok := s.p.conductOf(address); ok && c.At == stage && s.applies(c, address, now) {
			return c.Action
		}
	}
	return Action{}
}

func (s *Server) reached(stage Stage) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stages[stage]++
	return s.stages[stage]
}

// applies reports whether this try is one of those the conduct is meant for.
func (s *Server) applies(c conduct, address string, now time.Time) bool {
	if c.Times == 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tries[address]
	if t == nil {
		t = &try{first: now}
		s.tries[address] = t
	}
	t.n++
	return t.n <= c.Times || now.Sub(t.first) < c.Within
}
