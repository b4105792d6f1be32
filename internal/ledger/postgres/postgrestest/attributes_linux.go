package postgrestest

import "syscall"

// attributes are those of a program that ends with us, whatever ends us.
func attributes(who *owner) *syscall.SysProcAttr {
	out := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if who != nil {
		out.Credential = &syscall.Credential{Uid: who.uid, Gid: who.gid}
	}
	return out
}
