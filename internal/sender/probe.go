package sender

import (
	"context"
	"crypto/tls"
	"time"
)

// A Probe is what was learnt by connecting and logging in.
type Probe struct {
	Remote     string            // IP:port that answered
	TLS        string            // "TLS 1.3"; "" without TLS
	Cipher     string            // "TLS_AES_128_GCM_SHA256"
	Subject    string            // of the certificate, as RFC 2253 writes it
	Issuer     string            //
	Names      []string          // DNS names the certificate is for
	Expires    time.Time         //
	Extensions map[string]string // announced, by keyword; after TLS if there is any
	LoggedIn   bool              // false with a nil error: the account has no login
}

// Probe connects, secures and logs in once, and sends nothing. With an error, of
// the kinds Offer has, the probe still tells how far it came.
func (s *Sender) Probe(ctx context.Context) (Probe, error) {
	var p Probe
	client, err := s.connect(ctx, &p)
	if err == nil {
		_ = client.Close() // QUIT, best effort
	}
	return p, err
}

// note writes down who the server proved to be; TLS calls it after its own
// verification, so it never has a say in that.
func (p *Probe) note(cs tls.ConnectionState) error {
	leaf := cs.PeerCertificates[0]
	p.TLS, p.Cipher = tls.VersionName(cs.Version), tls.CipherSuiteName(cs.CipherSuite)
	p.Subject, p.Issuer = leaf.Subject.String(), leaf.Issuer.String()
	p.Names, p.Expires = leaf.DNSNames, leaf.NotAfter
	return nil
}
