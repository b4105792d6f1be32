package render

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hongyan/internal/fault"
)

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

var (
	amountNoise = strings.NewReplacer(",", "", "，", "", " ", "", "¥", "", "￥", "", "元", "", "+", "")
	amountForm  = regexp.MustCompile(`^-?[0-9]{1,30}(\.[0-9]{1,30})?$`)
)

// amount reads a number as lists write it: 1,234.5, ¥12, 100元.
func amount(function string, v any) (*big.Rat, error) {
	text := amountNoise.Replace(strings.TrimSpace(fmt.Sprint(v)))
	if !amountForm.MatchString(text) {
		return nil, fault.At("", 0, "%s: %q is not a number", function, fmt.Sprint(v))
	}
	r, _ := new(big.Rat).SetString(text)
	return r, nil
}

func money(args ...any) (string, error) {
	sign := "¥"
	if len(args) == 2 {
		sign, args = fmt.Sprint(args[0]), args[1:]
	}
	if len(args) != 1 {
		return "", fault.At("", 0, "money takes an amount, and before it a sign if it is not ¥")
	}
	if args[0] == "" {
		return "", nil
	}
	r, err := amount("money", args[0])
	if err != nil {
		return "", err
	}
	text := thousands(r.FloatString(2))
	if rest, minus := strings.CutPrefix(text, "-"); minus {
		return "-" + sign + rest, nil
	}
	return sign + text, nil
}

func num(args ...any) (string, error) {
	decimals := -1
	if len(args) == 2 {
		n, ok := args[0].(int)
		if !ok || n < 0 || n > 30 {
			return "", fault.At("", 0, "num: decimals are a number from 0 to 30")
		}
		decimals, args = n, args[1:]
	}
	if len(args) != 1 {
		return "", fault.At("", 0, "num takes a number, and before it the decimals")
	}
	if args[0] == "" {
		return "", nil
	}
	r, err := amount("num", args[0])
	if err != nil {
		return "", err
	}
	if decimals < 0 {
		text := r.FloatString(30)
		return thousands(strings.TrimSuffix(strings.TrimRight(text, "0"), ".")), nil
	}
	return thousands(r.FloatString(decimals)), nil
}

func thousands(s string) string {
	minus := strings.HasPrefix(s, "-")
	whole, rest, dot := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dot {
		whole += "." + rest
	}
	if minus {
		return "-" + whole
	}
	return whole
}

func toInt(v any) (int, error) {
	if v == "" || v == nil {
		return 0, nil
	}
	r, err := amount("int", v)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(new(big.Int).Quo(r.Num(), r.Denom()).String())
	if err != nil {
		return 0, fault.At("", 0, "int: %q is too large", fmt.Sprint(v))
	}
	return n, nil
}

var (
	capitalDigits = []rune("零壹贰叁肆伍陆柒捌玖")
	capitalUnits  = []string{"", "拾", "佰", "仟"}
	capitalGroups = []string{"", "万", "亿", "万亿"}
)

// rmb writes an amount in the capitals of Chinese cheques (《支付结算办法》
// 附一: 整 after 元 and 角, 零 for zeros between digits).
func rmb(v any) (string, error) {
	if v == "" {
		return "", nil
	}
	r, err := amount("rmb", v)
	if err != nil {
		return "", err
	}
	text := r.FloatString(2)
	sign := ""
	if rest, minus := strings.CutPrefix(text, "-"); minus {
		sign, text = "负", rest
	}
	whole, cents, _ := strings.Cut(text, ".")
	if len(whole) > 16 {
		return "", fault.At("", 0, "rmb: %q is too large", text)
	}
	out := capitals(whole)
	jiao, fen := cents[0]-'0', cents[1]-'0'
	if out != "" {
		out += "元"
	}
	switch {
	case jiao == 0 && fen == 0 && out == "":
		return "零元整", nil
	case jiao == 0 && fen == 0:
		return sign + out + "整", nil
	case jiao > 0:
		out += string(capitalDigits[jiao]) + "角"
	case out != "":
		out += "零"
	}
	if fen == 0 {
		return sign + out + "整", nil
	}
	return sign + out + string(capitalDigits[fen]) + "分", nil
}

// capitals writes a whole number, "" for zero.
func capitals(whole string) string {
	whole = strings.TrimLeft(whole, "0")
	var out strings.Builder
	zero, group := false, false
	for i, c := range whole {
		place := len(whole) - 1 - i
		if c == '0' {
			zero = true
		} else {
			if zero {
				out.WriteRune('零')
			}
			zero, group = false, true
			out.WriteString(string(capitalDigits[c-'0']) + capitalUnits[place%4])
		}
		if place%4 == 0 {
			if group {
				out.WriteString(capitalGroups[place/4])
			}
			group = false
		}
	}
	return out.String()
}

// dateForms are the dates that lists write. Day and month in another order
// cannot be told apart and are refused.
var dateForms = []string{
	"2006-1-2", "2006/1/2", "2006.1.2", "2006年1月2日", "20060102",
	"2006-1-2 15:04", "2006-1-2 15:04:05", "2006/1/2 15:04", "2006/1/2 15:04:05",
	"2006年1月2日 15:04", "2006年1月2日15:04", "2006-01-02T15:04", "2006-01-02T15:04:05",
	"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-1", "2006年1月",
}

var weekdays = []rune("日一二三四五六")

// formatDate writes a date by a layout of Go's package time, in which 星期一 and
// 周一 stand for the day of the week and 上午 for the half of the day.
func formatDate(layout, v string) (string, error) {
	v = strings.TrimSpace(v)
	if v == "" {
		return "", nil
	}
	for _, form := range dateForms {
		if t, err := time.Parse(form, v); err == nil {
			return chineseDate(t, layout), nil
		}
	}
	return "", fault.At("", 0, "date: %q is not a date", v).Hinted("dates are written 2026-11-23, 2026/11/23 or 2026年11月23日, with 15:04 or without")
}

func chineseDate(t time.Time, layout string) string {
	half := "上午"
	if t.Hour() >= 12 {
		half = "下午"
	}
	day := string(weekdays[t.Weekday()])
	return strings.NewReplacer("星期一", "星期"+day, "周一", "周"+day, "上午", half).Replace(t.Format(layout))
}
