package main

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"
)

// A way is a proxy that holds back whatever passes, for half of the added
// round-trip time in each direction.
type way struct {
	addr string
	stop func()
}

func delayed(ctx context.Context, to string, roundTrip time.Duration) (way, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return way{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var links sync.WaitGroup
	links.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			links.Go(func() { join(ctx, near, to, roundTrip/2) })
		}
	})
	return way{l.Addr().String(), func() { l.Close(); cancel(); links.Wait() }}, nil
}

func join(ctx context.Context, near net.Conn, to string, late time.Duration) {
	defer near.Close()
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer far.Close()
	defer context.AfterFunc(ctx, func() { near.Close(); far.Close() })()
	var both sync.WaitGroup
	both.Go(func() { pass(far, near, late) })
	both.Go(func() { pass(near, far, late) })
	both.Wait()
}

// A parcel is what came at once, and when it may go on.
type parcel struct {
	bytes []byte
	due   time.Time
}

// pass delays without slowing down: what comes meanwhile waits as well.
func pass(to, from net.Conn, late time.Duration) {
	queue := make(chan parcel, 1<<10)
	var writer sync.WaitGroup
	writer.Go(func() {
		for p := range queue {
			linger(p.due)
			to.Write(p.bytes) // if it cannot, the reader soon finds out
		}
		to.(*net.TCPConn).CloseWrite()
	})
	for {
		buf := make([]byte, 64<<10)
		n, err := from.Read(buf)
		if n > 0 {
			queue <- parcel{buf[:n], time.Now().Add(late)}
		}
		if err != nil {
			break
		}
	}
	close(queue)
	writer.Wait()
}

// linger sleeps by the kernel's timer. The runtime's rounds up to a millisecond
// when nothing else happens, and that would be added to both ways.
func linger(until time.Time) {
	for left := time.Until(until); left > 0; left = time.Until(until) {
		t := syscall.NsecToTimespec(int64(left))
		_ = syscall.Nanosleep(&t, nil) // a signal wakes it early
	}
}
