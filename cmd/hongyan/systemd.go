package main

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"
)

// notify tells systemd how the service is, if it was started by it: one
// datagram to the socket that it names (sd_notify(3)).
func (d *door) notify(state string) error {
	socket := d.env("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	if socket[0] == '@' { // an abstract one
		socket = "\x00" + socket[1:]
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(state))
	return err
}

// watchdog shows systemd signs of life, twice in the time in which it wants one
// (sd_watchdog_enabled(3)), for as long as alive says so.
func (d *door) watchdog(ctx context.Context, alive func() bool) error {
	usec, err := strconv.Atoi(d.env("WATCHDOG_USEC"))
	pid := d.env("WATCHDOG_PID")
	if err != nil || usec <= 0 || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return nil // nobody watches
	}
	ticker := time.NewTicker(time.Duration(usec) * time.Microsecond / 2)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if !alive() {
				continue
			}
			if err := d.notify("WATCHDOG=1"); err != nil {
				return err
			}
		}
	}
}
