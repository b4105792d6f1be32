package data

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"

	"hongyan/internal/fault"
	"hongyan/internal/gate"
)

// Net is how servers are reached. The zero value will do; what it holds is for
// tests, whose servers stand on loopback and have certificates of their own.
type Net struct {
	Allow []netip.Prefix // may be dialled though they are not public
	Roots *x509.CertPool // nil: the system's
}

// maxRedirects is how many times a server may send us elsewhere.
const maxRedirects = 5

// get asks a server. No proxy of the environment is used: behind one nobody
// could tell which address is dialled.
func (n Net) get(ctx context.Context, s Source) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.From, nil)
	if err != nil {
		return nil, err
	}
	if err := s.secure(req); err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "hongyan")
	client := n.client(s)
	defer client.CloseIdleConnections()
	answer, err := client.Do(req)
	if err != nil {
		return nil, reason(ctx, s, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answers %s", answer.Status)
	}
	src, err := io.ReadAll(io.LimitReader(answer.Body, s.Max+1))
	if err != nil {
		return nil, reason(ctx, s, err)
	}
	if int64(len(src)) > s.Max {
		return nil, fault.At("", 0, "%s has more than %d bytes", s.From, s.Max).Hinted("say max: 5MB, for example, if it may")
	}
	return src, nil
}

func (n Net) client(s Source) *http.Client {
	dialer := net.Dialer{}
	if !s.Private {
		dialer.Control = gate.Gate(n.Allow).Control
	}
	return &http.Client{
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errors.New("the server sends us on and on")
			}
			return s.secure(req)
		},
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: n.Roots},
			ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

// secure refuses what somebody on the way could change: it would be mailed.
func (s Source) secure(req *http.Request) error {
	if req.URL.Scheme == "https" || req.URL.Scheme == "http" && s.Private {
		return nil
	}
	return fault.At("", 0, "%s is not https", req.URL.Redacted()).
		Hinted("what anybody on the way can change is not mailed; private: true allows http within one's own network")
}

// reason is an error in as few words as will do.
func reason(ctx context.Context, s Source, err error) error {
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return f
	}
	if private, ok := errors.AsType[*gate.Private](err); ok {
		return fault.At("", 0, "%s leads to %s, which is not a public address", s.From, private.Address.String()).
			Hinted("say private: true if it is a server of your own")
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %s", s.Timeout)
	}
	if asking, ok := errors.AsType[*url.Error](err); ok {
		return asking.Err
	}
	return err
}
