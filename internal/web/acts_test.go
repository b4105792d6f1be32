package web_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hongyan/internal/ledger"
)

func issueForm(more ...string) url.Values {
	form := url.Values{"campaign": {"weekly"}, "issue": {"2026-11-23T09:00"}, "back": {"/log"}}
	for pair := range slices.Chunk(more, 2) {
		form.Add(pair[0], pair[1])
	}
	return form
}

func TestWhatCannotBeUndoneIsAskedFirst(t *testing.T) {
	t.Parallel()
	h := build(t, 60)
	_, page := h.post("/acts/start", issueForm())
	says(t, page, "Start weekly / 2026-11-23T09:00?", "60", "What has left cannot be called back.", "No, back", "Start: 60 mails")
	if acts := h.acts(); len(acts) > 0 {
		t.Fatalf("done without asking: %q", acts)
	}
	_, page = h.post("/acts/start", issueForm("sure", "yes"))
	says(t, page, "The issue is started.", "start")
	h.step(60)
	h.step(1)
	_, page = h.post("/acts/retry", issueForm())
	says(t, page, "bad-address", "5") // lines 10, 20, 30, 40 and 60: 50 is in doubt
	_, page = h.post("/acts/settle", issueForm("to", "resend"))
	says(t, page, "All 2 in doubt.", "gets it twice")
	if jobs, err := h.Jobs(t.Context()); err != nil || len(jobs) > 0 {
		t.Errorf("on the floor: %v, %v", jobs, err)
	}
	_, page = h.post("/acts/retry", issueForm("sure", "yes", "class", "bad-address"))
	says(t, page, "5 refused recipients are tried again.")
	_, page = h.post("/acts/settle", issueForm("sure", "yes", "to", "sent"))
	says(t, page, "2 doubts are settled.")
	_, page = h.post("/acts/test", issueForm("sure", "yes", "test_to", "me@example.com, you@example.com", "rows", "3"))
	says(t, page, "2 test mails have left.")
	want := []string{
		"wang test weekly me@example.com, you@example.com 3", "wang settle weekly sent", "wang retry weekly bad-address", "wang start weekly",
	}
	if acts := h.acts(); !slices.Equal(acts, want) {
		t.Errorf("acts: %q", acts)
	}
	totals, err := h.Store.Totals(t.Context(), ledger.Key{Campaign: "weekly", Issue: "2026-11-23T09:00"})
	if err != nil || totals.Sent != 55 || totals.Deferred != 5 {
		t.Errorf("totals: %+v, %v", totals, err)
	}
}

func TestPauseAndResumeAndAHoldIsLifted(t *testing.T) {
	t.Parallel()
	h := build(t, 60)
	h.start()
	_, page := h.post("/acts/pause", issueForm())
	says(t, page, "The issue is paused")
	h.step(10)
	if page = h.get("/issues/weekly/2026-11-23T09:00"); !strings.Contains(page, "paused") {
		t.Errorf("not paused:\n%s", page)
	}
	status, page := h.post("/acts/pause", issueForm())
	if status != http.StatusConflict {
		t.Errorf("paused twice: %d\n%s", status, page)
	}
	_, page = h.post("/acts/resume", issueForm())
	says(t, page, "The issue goes on.")
	if err := h.Store.Hold(t.Context(), ledger.Hold{Account: "qq", Since: time.Now(), Human: true, Reason: "login refused"}); err != nil {
		t.Fatal(err)
	}
	says(t, h.get("/accounts"), "Account qq is held", "until a person acts", "login refused")
	h.post("/acts/lift", url.Values{"account": {"qq"}, "sure": {"yes"}, "back": {"/accounts"}})
	if page = h.get("/accounts"); strings.Contains(page, "is held") {
		t.Errorf("still held:\n%s", page)
	}
	want := []string{"wang lift  qq", "wang resume weekly", "wang pause weekly  failed: weekly/2026-11-23T09:00 is not running", "wang pause weekly", "wang pause weekly"}
	if acts := h.acts(); !slices.Equal(acts, want) {
		t.Errorf("acts: %q", acts)
	}
}

func TestOnlyChosenDoubtsAreSettled(t *testing.T) {
	t.Parallel()
	h := build(t, 80)
	k := h.start()
	h.step(80)
	var ids []string
	for e, err := range h.Store.Entries(t.Context(), k, ledger.Filter{States: []ledger.State{ledger.InDoubt}}) {
		if err != nil {
			t.Fatal(err)
		}
		page := h.get("/settle")
		says(t, page, "reader00023@example.com", "line 25", "qq", "4.6 KB", "the connection was lost after the last byte")
		if ids = append(ids, strings.Split(page, `name="ids" value="`)[len(ids)+1][:10]); e.Line == 0 {
			t.Error("a doubt without a line")
		}
	}
	if len(ids) != 3 {
		t.Fatalf("doubts: %q", ids)
	}
	form := issueForm("to", "sent", "ids", ids[0])
	_, page := h.post("/acts/settle", form)
	says(t, page, "1 chosen.")
	form.Set("sure", "yes")
	h.post("/acts/settle", form)
	totals, err := h.Store.Totals(t.Context(), k)
	if err != nil || totals.InDoubt != 2 {
		t.Errorf("%+v, %v", totals, err)
	}
	if acts := h.acts(); !slices.Equal(acts, []string{"wang settle weekly sent 1"}) {
		t.Errorf("acts: %q", acts)
	}
}

func TestSuppressionsAreAddedImportedFoundExportedAndRemoved(t *testing.T) {
	t.Parallel()
	h := build(t, 3)
	h.post("/acts/suppress", url.Values{"address": {"One@Example.com\ntwo@example.com"}, "list": {"weekly"}, "reason": {"=cmd()"}})
	h.uploads(http.StatusOK, "", "\ufeffaddress,why\r\nthree@example.com,gone\r\n'four@example.com,\r\n\r\n")
	says(t, h.get("/suppressions"), "four@example.com", "import", "one@example.com", "weekly", "manual", "three@example.com", "two@example.com")
	if page := h.get("/suppressions?list=weekly&q=one"); !strings.Contains(page, "one@example.com") || strings.Contains(page, "two@example.com") || strings.Contains(page, "three@") {
		t.Errorf("found:\n%s", page)
	}
	says(t, h.get("/suppressions.csv"), "address,list,source,reason,by,at\n", "four@example.com,all,import,,wang,", "one@example.com,weekly,manual,'=cmd(),wang,")
	h.post("/acts/unsuppress", url.Values{"address": {"one@example.com"}, "list": {"weekly"}, "sure": {"yes"}})
	if _, ok, err := h.Store.Suppressed(t.Context(), "weekly", "one@example.com"); ok || err != nil {
		t.Error(ok, err)
	}
	if status, _ := h.post("/acts/unsuppress", url.Values{"address": {"one@example.com"}, "list": {"weekly"}, "sure": {"yes"}}); status != http.StatusNotFound {
		t.Errorf("removed twice: %d", status)
	}
	if status, page := h.post("/acts/suppress", url.Values{"address": {"not an address"}}); status != http.StatusConflict {
		t.Errorf("%d\n%s", status, page)
	}
}

// uploads has a file of suppressions imported.
func (h *house) uploads(status int, of, file string) (page string) {
	h.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, _ := form.CreateFormFile("file", "gone.csv")
	_, _ = part.Write([]byte(file))
	_ = form.WriteField("back", "/suppressions")
	_ = form.WriteField("list", of)
	_ = form.Close()
	answer, err := h.http.Post(h.url+"/acts/suppress", form.FormDataContentType(), &body)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		h.t.Fatalf("%d, %v\n%s", answer.StatusCode, err, said)
	}
	return string(said)
}

func TestExportedSuppressionsComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	h := build(t, 3)
	at := time.Date(2025, 3, 1, 9, 30, 0, 0, time.UTC)
	want := []ledger.Suppression{
		{Address: "a@example.com", List: "fast", Source: ledger.Unsubscribe, Reason: "=too much", By: "recipient", At: at},
		{Address: "b@example.com", Source: ledger.Bounce, Reason: "550", By: "qq", At: at},
	}
	if _, err := h.Store.Suppress(t.Context(), want...); err != nil {
		t.Fatal(err)
	}
	file := h.get("/suppressions.csv")
	for _, s := range want {
		if _, err := h.Store.Unsuppress(t.Context(), s.List, s.Address); err != nil {
			t.Fatal(err)
		}
	}
	h.uploads(http.StatusOK, "weekly", file) // the chosen list is for rows that name none
	var got []ledger.Suppression
	for s, err := range h.Store.Suppressions(t.Context(), ledger.SuppressionFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		s.At = s.At.UTC()
		got = append(got, s)
	}
	want[0].By, want[1].By = "wang", "wang"
	if !slices.Equal(got, want) {
		t.Errorf("they are now\n%+v", got)
	}
}

func TestSuppressionsAreReadFromEveryFileThatListsAreReadFrom(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"semicolons": "name;email\nLi;li@example.com\n",
		"UTF-16":     "\xff\xfen\x00a\x00m\x00e\x00\t\x00e\x00m\x00a\x00i\x00l\x00\n\x00L\x00i\x00\t\x00l\x00i\x00@\x00x\x00.\x00c\x00n\x00\n\x00",
		"bare":       "\r\nli@example.com\r\n\r\nwang@example.com",
		"bare cells": "li@example.com,gone,\"he said\"\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := build(t, 3)
			h.uploads(http.StatusOK, "weekly", file)
			says(t, h.get("/suppressions?list=weekly"), "li@")
		})
	}
	h := build(t, 3)
	says(t, h.uploads(http.StatusConflict, "", "email,why\nli@example.com,\nnobody,\n"), "line 3: ")
	if page := h.uploads(http.StatusConflict, "", "name\nLi\n"); strings.Contains(page, "hongyan-suppressions") {
		t.Errorf("a name that nobody knows:\n%s", page)
	}
	says(t, h.get("/suppressions"), "Nobody is suppressed.")
}

func TestTheLogSaysWhatWasLeftToSettle(t *testing.T) {
	t.Parallel()
	h := build(t, 80)
	k := h.start()
	h.step(80)
	var ids []string
	for e, err := range h.Store.Entries(t.Context(), k, ledger.Filter{States: []ledger.State{ledger.InDoubt}}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, strconv.FormatInt(e.ID, 10))
	}
	form := issueForm("sure", "yes", "to", "sent", "ids", ids[0], "ids", ids[0], "ids", "123456")
	_, page := h.post("/acts/settle", form)
	says(t, page, "1 doubt is settled.")
	h.post("/acts/settle", form)
	h.post("/acts/settle", issueForm("sure", "yes", "to", "sent"))
	h.post("/acts/settle", issueForm("sure", "yes", "to", "sent"))
	want := []string{
		"wang settle weekly sent 0", "wang settle weekly sent", "wang settle weekly sent",
		"wang settle weekly sent 0 of 2", "wang settle weekly sent 2", "wang settle weekly sent 1 of 2", "wang settle weekly sent 2",
	}
	if acts := h.acts(); !slices.Equal(acts, want) {
		t.Errorf("acts: %q", acts)
	}
}

func TestRecipientsAreFilteredAndPagedByKey(t *testing.T) {
	t.Parallel()
	h := build(t, 130)
	h.start()
	h.step(130)
	issue := "/issues/weekly/2026-11-23T09:00"
	seen, path := 0, issue
	for range 5 {
		page := h.get(path)
		seen += strings.Count(page, "/entries/")
		_, rest, more := strings.Cut(page, `rel="next" href="`)
		if !more {
			break
		}
		link, _, _ := strings.Cut(rest, "#")
		path = strings.ReplaceAll(link, "&amp;", "&")
	}
	if seen != 130 {
		t.Errorf("%d recipients on all pages", seen)
	}
	if page := h.get(issue + "?state=refused&q=non-existent"); strings.Count(page, "/entries/") != 11 {
		t.Errorf("refused: %d", strings.Count(page, "/entries/"))
	}
	if page := h.get(issue + "?state=" + string(ledger.Sent) + "&q=READER00007"); strings.Count(page, "/entries/") != 1 {
		t.Errorf("found: %d", strings.Count(page, "/entries/"))
	}
	says(t, h.get(issue+"?q=nobody"), "Nobody is like that.")
	says(t, h.get(issue+"?q=%25"), "Nobody is like that.")
	says(t, h.get(issue+"?q=reader_0007"), "Nobody is like that.")
}

func TestAnEntryTellsItsEarlierAttempts(t *testing.T) {
	t.Parallel()
	h := build(t, 20)
	k := h.start()
	h.step(20)
	if _, err := h.Retry(t.Context(), k, ledger.Reopening{Classes: []string{"bad-address"}, By: "wang", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	h.step(20)
	for e, err := range h.Store.Entries(t.Context(), k, ledger.Filter{Text: "reader00008"}) {
		if err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(h.get("/issues/weekly/2026-11-23T09:00?q=reader00008"), `/entries/`)
		id, _, _ := strings.Cut(rest, `"`)
		says(t, h.get("/issues/weekly/2026-11-23T09:00/entries/"+id), e.Address, "refused", "What happened last", "550", "5.1.1", "non-existent",
			"Judged to be", "bad-address", "qq/550-non-existent", "Attempts", "2", "city", "Hangzhou", "Earlier attempts", "550")
	}
}
