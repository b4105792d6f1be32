// Package postgrestest runs a PostgreSQL server of its own for a test: made in
// a temporary folder, reachable on loopback only, gone when the test ends.
//
// It must never touch a server that it did not start.
package postgrestest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Server is a running PostgreSQL.
type Server struct {
	t    testing.TB
	dir  string
	port int
	who  *owner // nil: ourselves

	mu   sync.Mutex
	proc *exec.Cmd
	made int
}

// Durable says whether a server's commits reach the disk: only a test that pulls
// the plug can tell, and it pays for it.
type Durable bool

// Start makes a server and starts it; it is stopped and removed when t ends. A
// machine without PostgreSQL fails the test and says what to install.
func Start(t testing.TB, durable Durable) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "hongyan-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, dir: dir, who: unprivileged(t)}
	t.Cleanup(s.remove)
	if s.who != nil { // PostgreSQL refuses to run as root
		if err := os.Chown(dir, int(s.who.uid), int(s.who.gid)); err != nil {
			t.Fatal(err)
		}
	}
	s.port = freePort(t)
	init := s.command("initdb", "-D", s.data(), "-U", "hongyan", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")
	if out, err := init.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	s.configure(durable)
	s.Run()
	return s
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

func (s *Server) configure(durable Durable) {
	conf := fmt.Sprintf("port = %d\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 200\n"+
		"fsync = %t\nlog_destination = 'stderr'\nlogging_collector = off\n", s.port, durable)
	f, err := os.OpenFile(filepath.Join(s.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := f.WriteString(conf); err != nil {
		s.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		s.t.Fatal(err)
	}
}

// Run starts the server, also again after a Crash.
func (s *Server) Run() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.proc = s.command("postgres", "-D", s.data())
	s.proc.Stdout, s.proc.Stderr = log, log
	if err := s.proc.Start(); err != nil {
		s.t.Fatal(err)
	}
	for deadline := time.Now().Add(60 * time.Second); ; {
		if s.command("pg_isready", "-q", "-h", "127.0.0.1", "-p", strconv.Itoa(s.port)).Run() == nil {
			return
		}
		if time.Now().After(deadline) {
			said, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			s.t.Fatalf("PostgreSQL does not come up:\n%s", said)
		}
		time.Sleep(20 * time.Millisecond) // there is nothing to wait on but its answer
	}
}

// Crash ends the server as a crash would: without a checkpoint or a goodbye.
func (s *Server) Crash() { s.end(syscall.SIGQUIT) }

func (s *Server) end(signal syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proc == nil {
		return
	}
	_ = s.proc.Process.Signal(signal) // it may be gone
	_ = s.proc.Wait()                 // how it ended is ours
	s.proc = nil
}

func (s *Server) remove() {
	s.end(syscall.SIGINT)
	if err := os.RemoveAll(s.dir); err != nil {
		s.t.Error(err)
	}
}

// Addr is where the server listens.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Place makes a new empty schema and returns the URL that leads there.
func (s *Server) Place(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	s.made++
	name := fmt.Sprintf("place%d", s.made)
	s.mu.Unlock()
	s.Do(t, "CREATE SCHEMA "+name)
	return fmt.Sprintf("postgres://hongyan@%s/postgres?sslmode=disable&search_path=%s", s.Addr(), name)
}

// Do runs a statement as the database's owner, and returns what it printed.
func (s *Server) Do(t testing.TB, statement string) string {
	t.Helper()
	cmd := s.command("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1",
		"-p", strconv.Itoa(s.port), "-U", "hongyan", "-d", "postgres", "-c", statement)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v: %s", statement, err, &said)
	}
	return strings.TrimSpace(out.String())
}

// command is one of the server's programs, run as somebody who may.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(program(s.t, name), args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = attributes(s.who)
	return cmd
}

// program finds a program of PostgreSQL, which Debian keeps out of the PATH; of
// several versions the newest.
func program(t testing.TB, name string) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name) // only a bad pattern is an error
	if len(found) > 0 {
		return found[len(found)-1]
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("this test needs PostgreSQL's own programs (Debian: apt-get install postgresql): %v", err)
	}
	return path
}

// An owner is whom the server runs as.
type owner struct{ uid, gid uint32 }

// unprivileged is somebody else when we are root.
func unprivileged(t testing.TB) *owner {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &owner{uint32(uid), uint32(gid)}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
