package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A database is a PostgreSQL of our own, on loopback only, as Debian ships it: a
// commit is on the disk when it is answered.
type database struct {
	dir    string
	port   string
	who    *syscall.Credential // nil: as ourselves
	server *exec.Cmd
}

func startDatabase(ctx context.Context) (db *database, err error) {
	db = &database{}
	// Not in the system's temporary folder, which may be in memory.
	if db.dir, err = os.MkdirTemp("/var/tmp", "hongyan-bench-"); err != nil {
		return nil, err
	}
	if err := db.start(ctx); err != nil {
		return nil, errors.Join(err, db.stop())
	}
	return db, nil
}

func (db *database) start(ctx context.Context) error {
	if err := db.unprivileged(); err != nil {
		return err
	}
	addr, err := free()
	if err != nil {
		return err
	}
	if _, db.port, err = net.SplitHostPort(addr); err != nil {
		return err
	}
	if _, err := db.say(ctx, "initdb", "-D", db.data(), "-U", "hongyan", "-A", "trust", "-E", "UTF8", "--locale=C"); err != nil {
		return err
	}
	cmd, err := db.command(ctx, "postgres", "-D", db.data(), "-p", db.port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "max_connections=200", "-c", "fsync=on", "-c", "synchronous_commit=on")
	if err != nil {
		return err
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it ends its own
	if err := cmd.Start(); err != nil {
		return err
	}
	db.server = cmd
	for range 200 {
		if _, err = db.say(ctx, "pg_isready", "-q", "-h", "127.0.0.1", "-p", db.port); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

func (db *database) data() string { return filepath.Join(db.dir, "data") }

// unprivileged is somebody else when we are root, as whom PostgreSQL refuses to run.
func (db *database) unprivileged() error {
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return err
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	if err != nil {
		return err
	}
	db.who = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(db.dir, int(uid), int(gid))
}

// command is one of PostgreSQL's programs, which Debian keeps out of the path; of
// several versions the newest.
func (db *database) command(ctx context.Context, name string, args ...string) (*exec.Cmd, error) {
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(found) > 0 { // only a bad pattern is an error
		name = found[len(found)-1]
	} else if _, err := exec.LookPath(name); err != nil {
		return nil, fmt.Errorf("PostgreSQL's own programs are needed (Debian: apt-get install postgresql): %w", err)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = db.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: db.who, Pdeathsig: syscall.SIGQUIT} // it ends with us, whatever ends us
	return cmd, nil
}

func (db *database) say(ctx context.Context, name string, args ...string) (string, error) {
	cmd, err := db.command(ctx, name, args...)
	if err != nil {
		return "", err
	}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w\n%s", name, err, &said)
	}
	return strings.TrimSpace(out.String()), nil
}

// place is the URL of a new empty schema.
func (db *database) place(ctx context.Context, name string) (string, error) {
	_, err := db.ask(ctx, "CREATE SCHEMA "+name)
	return "postgres://hongyan@127.0.0.1:" + db.port + "/postgres?sslmode=disable&search_path=" + name, err
}

// ask returns what a statement prints: rows as lines, columns parted by bars.
func (db *database) ask(ctx context.Context, statement string) (string, error) {
	return db.say(ctx, "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", db.port,
		"-U", "hongyan", "-d", "postgres", "-c", statement)
}

// number asks for one.
func (db *database) number(ctx context.Context, statement string) (int64, error) {
	said, err := db.ask(ctx, statement)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(said, 10, 64)
}

// cpu is the processor's time that the server and all its processes have had,
// also those that have ended.
func (db *database) cpu() (total time.Duration) {
	all, _ := filepath.Glob("/proc/[0-9]*/stat") // only a bad pattern is an error
	for _, path := range all {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path))) // by the pattern
		fields := stat(pid)
		switch server := db.server.Process.Pid; {
		case fields == nil: // it has ended
		case pid == server:
			total += ticks(fields[11:15])
		case fields[1] == strconv.Itoa(server):
			total += ticks(fields[11:13])
		}
	}
	return total
}

// processor is the processor's time that a process has had.
func processor(pid int) time.Duration {
	if fields := stat(pid); fields != nil {
		return ticks(fields[11:13])
	}
	return 0
}

// stat is what the kernel says of a process behind its name, which is in brackets
// and may have blanks: state, parent, …, utime, stime, and the same of children
// that have ended.
func stat(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
}

func ticks(numbers []string) time.Duration {
	total := 0
	for _, s := range numbers {
		n, _ := strconv.Atoi(s) // the kernel's own
		total += n
	}
	return time.Duration(total) * time.Second / 100 // Linux tells hundredths of a second
}

func (db *database) stop() error {
	if db.server != nil {
		_ = db.server.Process.Signal(os.Interrupt) // it may have ended
		_ = db.server.Wait()                       // by our signal
	}
	return os.RemoveAll(db.dir)
}
