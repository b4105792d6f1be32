//go:build !linux

package postgrestest

import "syscall"

// attributes are none where a program cannot be bound to our end; root, whom
// PostgreSQL serves nowhere, is told so by itself.
func attributes(*owner) *syscall.SysProcAttr { return nil }
