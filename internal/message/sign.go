package message

import (
	"crypto"
	"fmt"

	"github.com/emersion/go-msgauth/dkim"
)

// A Signer signs mails for an own domain with DKIM (RFC 6376).
type Signer struct {
	Domain, Selector string
	Key              crypto.Signer // RSA or Ed25519
}

// signed are the headers under the signature, relaxed. Each is named once more
// than a mail may have it, so that nobody adds a second one ("oversigning").
// Message-ID is left out: Tencent's relays rewrite it.
var signed = []string{
	"From", "From", "To", "To", "Subject", "Subject", "Date", "Date",
	"Reply-To", "Reply-To", "Sender", "Sender", "Cc", "MIME-Version", "MIME-Version",
	"Content-Type", "Content-Type", "Content-Transfer-Encoding", "Content-Transfer-Encoding",
	"List-Id", "List-Id", "List-Unsubscribe", "List-Unsubscribe",
	"List-Unsubscribe-Post", "List-Unsubscribe-Post", "List-Help", "List-Help",
	"List-Owner", "List-Owner", "List-Archive", "List-Archive", "List-Post", "List-Post",
	"List-Subscribe", "List-Subscribe", "Feedback-ID", "Feedback-ID",
	"In-Reply-To", "In-Reply-To", "References", "References",
}

// sign returns the DKIM-Signature header of the segments, with its line end.
func (s *Signer) sign(segments [][]byte) ([]byte, error) {
	signer, err := s.open()
	if err != nil {
		return nil, err
	}
	for _, segment := range segments {
		if _, err := signer.Write(segment); err != nil {
			break // Close tells why
		}
	}
	if err := signer.Close(); err != nil {
		return nil, fmt.Errorf("sign for %s: %w", s.Domain, err)
	}
	return []byte(signer.Signature()), nil
}

func (s *Signer) open() (*dkim.Signer, error) {
	signer, err := dkim.NewSigner(&dkim.SignOptions{
		Domain: s.Domain, Selector: s.Selector, Signer: s.Key,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed,
		BodyCanonicalization:   dkim.CanonicalizationRelaxed,
		HeaderKeys:             signed,
	})
	if err != nil {
		return nil, fmt.Errorf("sign for %s: %w", s.Domain, err)
	}
	return signer, nil
}

// check finds out at the start whether the key can sign.
func (s *Signer) check() error {
	if !hostname(s.Domain) || !hostname(s.Selector) {
		return fmt.Errorf("sign for %q: domain and selector %q must be host names", s.Domain, s.Selector)
	}
	if s.Key == nil {
		return fmt.Errorf("sign for %s: no key", s.Domain)
	}
	_, err := s.sign([][]byte{[]byte("From: a@b.c\r\n\r\n")})
	return err
}
