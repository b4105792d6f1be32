package render_test

import (
	"strings"
	"testing"

	"hongyan/internal/render"
)

func TestFunctionsSayWhatTheyDo(t *testing.T) {
	t.Parallel()
	fields := map[string]string{
		"day": "2026-11-23", "sum": "1234.5", "n": "7", "code": "ab-1", "items": "笔; 纸;", "name": "ada lovelace",
		"zero": "", "at": "2026/1/2 15:04", "big": "100200300.05",
	}
	for call, want := range map[string]string{
		`{{or .zero "朋友"}}`:                           "朋友",
		`{{.zero | default "朋友"}}{{default "x" .n}}`:  "朋友7",
		`{{date "2006年1月2日 星期一" .day}}`:               "2026年11月23日 星期一",
		`{{.at | date "1月2日周一 上午3:04"}}`:              "1月2日周五 下午3:04",
		`{{date "02.01.06" "20261123"}}`:              "23.11.26",
		`{{money .sum}} {{money "$" "-1234567.891"}}`: "¥1,234.50 -$1,234,567.89",
		`{{money "￥1,000元"}}`:                         "¥1,000.00",
		`{{rmb .sum}}`:                                "壹仟贰佰叁拾肆元伍角整",
		`{{rmb .big}}`:                                "壹亿零贰拾万零叁佰元零伍分",
		`{{rmb "10000"}} {{rmb "0.3"}} {{rmb 0}} {{rmb "100001001"}} {{rmb "-20"}}`: "壹万元整 叁角整 零元整 壹亿零壹仟零壹元整 负贰拾元整",
		`{{num .sum}} {{num 0 "1234.5"}} {{num 2 "0.005"}} {{num "-1000"}}`:         "1,234.5 1,235 0.01 -1,000",
		`{{if gt (int .n) 3}}more{{end}}{{int ""}}{{int "-2.9"}}`:                   "more0-2",
		`{{upper .code}} {{lower "AB"}} {{title .name}} {{title "McDonald"}}`:       "AB-1 ab Ada Lovelace McDonald",
		`{{trim "  x "}}|{{replace "-" "/" .day}}`:                                  "x|2026/11/23",
		`{{range split ";" .items}}[{{.}}]{{end}}{{split ";" .items | join "、"}}`:   "[笔][纸]笔、纸",
		`{{contains "b-" .code}} {{hasPrefix "a" .code}} {{hasSuffix "a" .code}}`:   "true true false",
		`{{pad 6 "汉字"}}|{{pad -6 "汉字"}}|{{pad 2 "汉字"}}`:                             "汉字  |  汉字|汉字",
		`{{printf "%03d" (int .n)}}{{index (split ";" .items) 0}}{{len "ab"}}`:      "007笔2",
	} {
		line, err := render.ParseLine("f", 1, call, render.Names{})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := line.Render(fields); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", call, got, err, want)
		}
	}
}

func TestAFunctionSaysWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		`{{date "2006" .v}}`: `c.yaml:7: date: "13/13/2026" is not a date`,
		`{{money .v}}`:       `c.yaml:7: money: "13/13/2026" is not a number`,
		`{{num 99 .v}}`:      `c.yaml:7: num: decimals are a number from 0 to 30`,
		`{{rmb "1e9"}}`:      `c.yaml:7: rmb: "1e9" is not a number`,
		`{{index .v "x"}}`:   `c.yaml:7: the template fails: `,
		`{{int .v}}`:         `c.yaml:7: int: "13/13/2026" is not a number`,
		`{{qr .long}}`:       `c.yaml:7: qr: 4000 characters are more than a code holds`,
	} {
		line, err := render.ParseLine("c.yaml", 7, call, render.Names{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := line.Render(map[string]string{"v": "13/13/2026", "long": strings.Repeat("字", 4000)}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", call, err, want)
		}
	}
}

func TestEachFunctionIsDocumented(t *testing.T) {
	t.Parallel()
	for _, f := range render.Functions() {
		if f.Name == "" || !strings.HasPrefix(f.Usage, f.Name) || !strings.Contains(f.Example, f.Name) || f.Doc == "" {
			t.Errorf("%+v", f)
		}
		src, _, _ := strings.Cut(f.Example, " → ")
		if _, err := render.ParseLine("f", 1, src, render.Names{Downloads: []string{"brochure.pdf"}}); err != nil {
			t.Errorf("the example of %s: %v", f.Name, err)
		}
	}
}
