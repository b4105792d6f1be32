package smtp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"hongyan/internal/reply"
)

// Bounds of one reply: RFC 5321 wants lines of 512 bytes at most; servers exceed
// it, and a hostile one has no end.
const (
	maxReply = 64 << 10
	maxLines = 128
	maxFrame = 32 // QQ's is 16 bytes, seen with a blank line behind it
	maxBlock = 64 << 10
)

var (
	errTooLong = errors.New("the reply has no end")
	errLineEnd = errors.New("a line break inside a command")
)

// surprise is an answer that makes no sense where it came.
func surprise(said string) error { return fmt.Errorf("the server answered out of turn: %q", said) }

// A wire is the connection as lines and blocks, with deadlines and a context.
type wire struct {
	conn   net.Conn
	r      *bufio.Reader
	trace  io.Writer
	framed bool     // a binary frame may stand before a reply
	block  []byte   // where a block is put together, and its parts
	parts  [][]byte // (writev empties them, so they are never the mail's own)

	mu   sync.Mutex
	turn uint64 // who may set deadlines: the operation that holds the wire
}

func newWire(conn net.Conn, trace io.Writer) *wire {
	return &wire{conn: conn, r: bufio.NewReader(conn), trace: trace}
}

// hold lends the wire to one operation: when its context ends, what is under way
// on the connection fails at once. The returned func ends the loan.
func (w *wire) hold(ctx context.Context) (release func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	w.mu.Lock()
	w.turn++
	turn := w.turn
	w.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.turn == turn {
			w.conn.SetDeadline(time.Unix(1, 0))
		}
	})
	return func() {
		stop()
		w.mu.Lock()
		w.turn++ // a late call of the func above must not hit the next operation
		w.mu.Unlock()
	}
}

// within sets the deadline for what follows, unless the context is over.
func (w *wire) within(ctx context.Context, limit time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ctx.Err() != nil {
		w.conn.SetDeadline(time.Unix(1, 0))
		return
	}
	w.conn.SetDeadline(time.Now().Add(limit))
}

// why says in words what ended a read or a write, if anything did.
func why(ctx context.Context, limit time.Duration, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	if slow, ok := errors.AsType[net.Error](err); ok && slow.Timeout() {
		return fmt.Errorf("nothing within %v: %w", limit, err)
	}
	return err
}

// say writes one command line.
func (w *wire) say(ctx context.Context, limit time.Duration, line string) error {
	return w.sayMasked(ctx, limit, line, line)
}

// sayMasked writes a line and shows another in the trace.
func (w *wire) sayMasked(ctx context.Context, limit time.Duration, line, shown string) error {
	if strings.ContainsAny(line, "\r\n\x00") {
		return errLineEnd
	}
	w.note("> ", shown)
	w.within(ctx, limit)
	_, err := io.WriteString(w.conn, line+"\r\n")
	return why(ctx, limit, err)
}

// hear reads one whole reply within the limit: its code and its lines without
// code and separator.
func (w *wire) hear(ctx context.Context, limit time.Duration) (code int, lines []string, err error) {
	if !w.heard() || ctx.Err() != nil {
		w.within(ctx, limit)
	}
	code, lines, err = w.readReply()
	return code, lines, why(ctx, limit, err)
}

// heard tells that the whole reply is here already, so that nothing can be late:
// with pipelining most are, and a deadline costs more than reading them.
func (w *wire) heard() bool {
	if w.framed || w.r.Buffered() < len("250 \n") {
		return false
	}
	head, err := w.r.Peek(w.r.Buffered())
	return err == nil && head[3] == ' ' && bytes.IndexByte(head, '\n') >= 0
}

func (w *wire) readReply() (code int, lines []string, err error) {
	if err := w.skipFrame(); err != nil {
		return 0, nil, err
	}
	left := maxReply
	for range maxLines {
		line, err := w.readLine(&left)
		if err != nil {
			return 0, nil, err
		}
		w.note("< ", line)
		n, rest, more, ok := reply.CutCode(line)
		if !ok || code != 0 && n != code {
			return 0, nil, surprise(line)
		}
		code, lines = n, append(lines, rest)
		if !more {
			return code, lines, nil
		}
	}
	return 0, nil, errTooLong
}

// readLine reads one line and takes its bytes off what is left for the reply.
func (w *wire) readLine(left *int) (string, error) {
	var line []byte
	for {
		part, err := w.r.ReadSlice('\n')
		if *left -= len(part); *left < 0 {
			return "", errTooLong
		}
		line = append(line, part...)
		switch {
		case err == nil:
			return decode(bytes.TrimRight(line, "\r\n")), nil
		case errors.Is(err, io.EOF) && len(line) > 0:
			return "", io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}

// decode reads a server's bytes as UTF-8, else as GB18030 (QQ has answered in
// GBK), else leaves them for reply.Clean to escape.
func decode(line []byte) string {
	if !utf8.Valid(line) {
		if text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(line); err == nil && !bytes.ContainsRune(text, utf8.RuneError) {
			return string(text)
		}
	}
	return string(line)
}

// skipFrame passes over the bytes before a reply's code.
//
// QUIRK(qq): once DATA is done, each reply follows a 16-byte binary header:
// total length and payload length as 32-bit numbers, eight zeros; the payload
// length of "221 Bye.\r\n" is itself a line feed. The mail was taken. go-mail
// #463, mastodon #32373; testdata/dialogue/qq-frame.txt.
func (w *wire) skipFrame() error {
	if !w.framed {
		return nil
	}
	for i := range maxFrame {
		head, err := w.r.Peek(4)
		if err != nil && len(head) == 0 {
			return err
		}
		if isReply(head) || i == 0 && !strings.ContainsRune("\x00\r\n", rune(head[0])) {
			return nil
		}
		w.r.Discard(1)
	}
	return surprise("a frame without a reply")
}

func isReply(head []byte) bool {
	_, _, _, ok := reply.CutCode(strings.TrimRight(string(head), "\r\n"))
	return ok
}

// unasked tells that the server has said something that nobody asked for.
func (w *wire) unasked() bool {
	if w.r.Buffered() == 0 {
		return false
	}
	head, _ := w.r.Peek(1)
	return !w.framed || head[0] >= '0' && head[0] <= '9'
}

// write sends the parts in blocks of at most 64 KiB, each with its own limit. It
// returns how many bytes the kernel took for certain, and how many it may have
// taken at most: over TLS a failed write may have left whole, because what it
// says about its bytes is said before the record layer and not after it. Between
// two blocks may is asked, if there is one.
func (w *wire) write(ctx context.Context, limit time.Duration, may func() error, parts ...[]byte) (sure, most int64, err error) {
	for block, size := range w.blocks(parts) {
		if may != nil && sure > 0 {
			if err := may(); err != nil {
				return sure, sure, &withheld{err}
			}
		}
		w.within(ctx, limit)
		n, err := w.put(block)
		sure += n
		if err == nil {
			continue
		}
		if isTLS(w.conn) {
			return sure, sure - n + size, why(ctx, limit, err)
		}
		return sure, sure, why(ctx, limit, err)
	}
	return sure, sure, nil
}

// put writes one block: by writev where the kernel is next, else as one buffer,
// which over TLS is as few records as can be.
func (w *wire) put(block net.Buffers) (int64, error) {
	if _, ok := w.conn.(*net.TCPConn); ok {
		return block.WriteTo(w.conn)
	}
	if len(block) == 1 {
		n, err := w.conn.Write(block[0])
		return int64(n), err
	}
	w.block = w.block[:0]
	for _, part := range block {
		w.block = append(w.block, part...)
	}
	n, err := w.conn.Write(w.block)
	return int64(n), err
}

// blocks cuts the parts into runs of at most 64 KiB and yields each with its
// size. A run is valid until the next one.
func (w *wire) blocks(parts [][]byte) iter.Seq2[net.Buffers, int64] {
	return func(yield func(net.Buffers, int64) bool) {
		w.parts = w.parts[:0]
		size := 0
		for _, part := range parts {
			for len(part) > 0 {
				n := min(len(part), maxBlock-size)
				w.parts, part, size = append(w.parts, part[:n]), part[n:], size+n
				if size < maxBlock {
					continue
				}
				if !yield(w.parts, int64(size)) {
					return
				}
				w.parts, size = w.parts[:0], 0
			}
		}
		if size > 0 {
			yield(w.parts, int64(size))
		}
	}
}

// note writes a line of the trace. The trace has no say in the session.
func (w *wire) note(mark, line string) {
	if w.trace != nil {
		io.WriteString(w.trace, mark+reply.Clean(line)+"\n")
	}
}
