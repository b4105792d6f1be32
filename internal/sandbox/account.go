package sandbox

import (
	"crypto/subtle"
	"slices"
	"time"
)

// account is what a provider remembers of one login.
type account struct {
	open []int       // the numbers of its connections at this time, oldest first
	took []time.Time // accepted mails within the window, oldest first
}

// lets reports whether this user and code may log in.
func (s *Server) lets(user, code string) bool {
	if s.anonymous {
		return user != ""
	}
	want, ok := s.o.Logins[user]
	if user == s.o.Username && user != "" {
		want, ok = s.o.Password, true
	}
	return ok && subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1
}

func (s *Server) account(login string) *account {
	a := s.accounts[login]
	if a == nil {
		a = &account{}
		s.accounts[login] = a
	}
	return a
}

// enter and leave keep track of the connections of a login.
func (s *Server) enter(login string, conn int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(login)
	a.open = append(a.open, conn)
}

func (s *Server) leave(login string, conn int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(login)
	a.open = slices.DeleteFunc(a.open, func(n int) bool { return n == conn })
}

// took adds an accepted mail to the window of the login.
func (s *Server) took(login string, now time.Time) {
	if s.p.Limits.Rate.N == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.account(login)
	a.took = append(a.took, now)
}

// exceeded is the answer to a login that is over a limit answered at this
// stage; "" when it is not. Of too many connections the newest are refused.
func (x *session) exceeded(stage Stage, now time.Time) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	a, l := x.account(x.login), x.p.Limits
	for len(a.took) > 0 && now.Sub(a.took[0]) >= l.Rate.Per {
		a.took = a.took[1:]
	}
	switch {
	case l.Rate.full(stage, len(a.took)):
		return l.Rate.Reply
	case l.Connection.full(stage, x.mails):
		return l.Connection.Reply
	case l.Connections.full(stage, slices.Index(a.open, x.n)):
		return l.Connections.Reply
	}
	return ""
}

// full reports whether n have used the bound up, where it is answered at stage.
func (b bound) full(stage Stage, n int) bool { return b.N > 0 && b.At == stage && n >= b.N }
