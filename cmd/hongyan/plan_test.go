package main

import (
	"testing"
	"time"

	"hongyan/internal/fault"
	"hongyan/internal/list"
)

func TestAPlanSaysOneThingAsOne(t *testing.T) {
	t.Parallel()
	d := newDoor([]string{"--lang", "en"})
	for took, want := range map[time.Duration]string{
		0: "0 seconds", time.Second: "1 second", 59600 * time.Millisecond: "1 minute", 90 * time.Second: "2 minutes",
		59*time.Minute + 40*time.Second: "1 hour", 61 * time.Minute: "1 hour", 90 * time.Minute: "1.5 hours", 48 * time.Hour: "2.0 days",
	} {
		if got := d.span(took); got != want {
			t.Errorf("%v is %q, want %q", took, got, want)
		}
	}
	a := list.Assumed{Format: "XLSX", EmailColumn: "email", HiddenRows: 1}
	if got, want := readAs(a, 1).String(), "XLSX, 1 row, e-mail column email, 1 hidden row is read too"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	a.HiddenRows = 2
	if got, want := readAs(a, 3).String(), "XLSX, 3 rows, e-mail column email, 2 hidden rows are read too"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOneThingIsSaidAsOneInASentenceOfARoomToo(t *testing.T) {
	t.Parallel()
	of := func(lang string) words { return newWords([]string{lang}, func(string) string { return "" }) }
	for n, want := range map[int][2]string{
		0: {"x.cn has no mail server and no address; 0 recipients", "x.cn 既没有邮件服务器也没有地址；涉及 0 位收件人"},
		1: {"x.cn has no mail server and no address; 1 recipient", "x.cn 既没有邮件服务器也没有地址；涉及 1 位收件人"},
		2: {"x.cn has no mail server and no address; 2 recipients", "x.cn 既没有邮件服务器也没有地址；涉及 2 位收件人"},
	} {
		text := fault.Counted("%[2]s has no mail server and no address; %[1]d recipient",
			"%[2]s has no mail server and no address; %[1]d recipients", n, "x.cn")
		if got := [2]string{of("en").text(text), of("zh").text(text)}; got != want || text.String() != want[0] {
			t.Errorf("%d are %q, and by itself %q", n, got, text)
		}
	}
}
