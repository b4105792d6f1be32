package sandbox_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hongyan/internal/sandbox"
)

// python has Python's smtplib talk to the sandbox and returns what it printed.
func python(t *testing.T, s *sandbox.Server, code string, to ...string) string {
	t.Helper()
	exe, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not on this machine, so there is no foreign client to try")
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, s.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"testdata/client.py", port, ca, "you@qq.com", code}, to...)
	out, err := exec.CommandContext(t.Context(), exe, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

func TestAForeignClientSendsAndIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Options{Username: "you@qq.com", Password: "code"})
	got := python(t, s, "code", "li@example.com", "nobody+1@example.com", "content@example.com", "wang@example.com")
	want := `{"login": 235}
{"to": "li@example.com", "code": 250}
{"to": "nobody+1@example.com", "code": 550, "text": "5.1.1 <nobody+1@example.com>: there is no such mailbox"}
{"to": "content@example.com", "code": 554, "text": "5.7.1 the mail looks like spam"}
{"to": "wang@example.com", "code": 250}
{"quit": 221}`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	mails := s.Mails()
	if len(mails) != 2 || mails[1].ID != "1.wang@example.com" || mails[0].Login != "you@qq.com" {
		t.Fatalf("kept %+v", mails)
	}
	if !bytes.Contains(mails[0].Data, []byte("To: li@example.com\r\n")) {
		t.Errorf("kept %q", mails[0].Data)
	}
}

// Since 2024 people have reported that Python calls QQ's answer to QUIT "-1":
// the frame's LF ends the line early. The mail was taken all the same.
func TestAForeignClientTripsOverTheFrameOfQQ(t *testing.T) {
	t.Parallel()
	s := start(t, sandbox.Options{Profile: "qq", Username: "you@qq.com", Password: "code"})
	got := python(t, s, "code", "li@example.com")
	want := `{"login": 235}
{"to": "li@example.com", "code": 250}
{"quit": -1}`
	if got != want || s.Taken() != 1 {
		t.Errorf("taken %d, got\n%s", s.Taken(), got)
	}
}

// Python tries LOGIN when PLAIN was refused, but QQ has closed by then, so all
// that its user gets to see is a lost connection.
func TestAForeignClientWithAWrongCode(t *testing.T) {
	t.Parallel()
	for profile, want := range map[string]string{
		"qq":      `{"login": "disconnected"}`,
		"outlook": `{"login": 535, "text": "5.7.139 Authentication unsuccessful, the user credentials were incorrect. [SG2PR02CA0057.apcprd02.prod.outlook.com]"}`,
	} {
		s := start(t, sandbox.Options{Profile: profile, Username: "you@qq.com", Password: "code"})
		if got := python(t, s, "wrong", "li@example.com"); got != want || s.Taken() != 0 {
			t.Errorf("%s: taken %d, got\n%s", profile, s.Taken(), got)
		}
	}
}
