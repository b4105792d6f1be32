// Package onlinetest is a name server on loopback, for tests of what asks the
// DNS. It knows the zone it is given and nothing else.
package onlinetest

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// Serve answers from a zone until the test ends, and returns the address of the
// server. A line of the zone is a name, a type and its value:
//
//	news.cn          A     127.0.0.1
//	news.cn          MX    10 mail.news.cn
//	parked.cn        MX    0 .
//	news.cn          TXT   v=spf1 -all
//	ill.cn           FAIL
//	far.cn           SILENCE
//	moving.cn        A     93.184.216.34 then 127.0.0.1
//
// Names without a line do not exist; a name that has lines of other types only
// has no data. After "then" comes what is answered from the second time on.
func Serve(t testing.TB, zone string) string {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{asked: map[string]int{}, zone: map[string][]row{}}
	for line := range strings.Lines(zone) {
		if f := strings.Fields(line); len(f) > 1 {
			s.zone[f[0]+"."] = append(s.zone[f[0]+"."], row{f[1], strings.Join(f[2:], " ")})
		}
	}
	var running sync.WaitGroup
	running.Go(func() { s.serve(socket) })
	t.Cleanup(func() {
		if err := socket.Close(); err != nil {
			t.Error(err)
		}
		running.Wait()
	})
	return socket.LocalAddr().String()
}

// Resolver asks the server at an address.
func Resolver(address string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", address)
	}}
}

type server struct {
	zone  map[string][]row
	asked map[string]int
}

type row struct{ kind, value string }

func (s *server) serve(socket net.PacketConn) {
	packet := make([]byte, 2048)
	for {
		n, from, err := socket.ReadFrom(packet)
		if err != nil {
			return
		}
		if answer := s.answer(packet[:n]); answer != nil {
			_, _ = socket.WriteTo(answer, from)
		}
	}
}

// answer returns the packet to send back, nil for none.
func (s *server) answer(packet []byte) []byte {
	var p dnsmessage.Parser
	header, err := p.Start(packet)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	out := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, RecursionAvailable: true, RecursionDesired: header.RecursionDesired},
		Questions: []dnsmessage.Question{q},
	}
	rows, known := s.zone[strings.ToLower(q.Name.String())]
	if !known {
		out.RCode = dnsmessage.RCodeNameError
	}
	for _, r := range rows {
		switch {
		case r.kind == "SILENCE":
			return nil
		case r.kind == "FAIL":
			out.RCode = dnsmessage.RCodeServerFailure
		case "Type"+r.kind == q.Type.String():
			out.Answers = append(out.Answers, s.resources(q, r)...)
		}
	}
	built, err := out.Pack()
	if err != nil {
		return nil
	}
	return built
}

func (s *server) resources(q dnsmessage.Question, r row) (out []dnsmessage.Resource) {
	value := r.value
	if first, then, ok := strings.Cut(value, " then "); ok {
		key := q.Name.String() + r.kind
		if value = first; s.asked[key] > 0 {
			value = then
		}
		s.asked[key]++
	}
	header := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}
	add := func(body dnsmessage.ResourceBody) {
		out = append(out, dnsmessage.Resource{Header: header, Body: body})
	}
	switch r.kind {
	case "A":
		for address := range strings.FieldsSeq(value) {
			add(&dnsmessage.AResource{A: netip.MustParseAddr(address).As4()})
		}
	case "AAAA":
		for address := range strings.FieldsSeq(value) {
			add(&dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(address).As16()})
		}
	case "MX":
		pref, host, _ := strings.Cut(value, " ")
		n, _ := strconv.ParseUint(pref, 10, 16)
		add(&dnsmessage.MXResource{Pref: uint16(n), MX: dnsmessage.MustNewName(strings.TrimSuffix(host, ".") + ".")})
	case "TXT":
		add(&dnsmessage.TXTResource{TXT: pieces(value)})
	}
	return out
}

// pieces cuts a text into the strings of 255 bytes that a TXT record is made of.
func pieces(text string) (out []string) {
	for len(text) > 255 {
		out, text = append(out, text[:255]), text[255:]
	}
	return append(out, text)
}
