package list

import "strings"

// provider returns the domain that people mean by the name of a mailbox
// provider, "" for a name that is none.
func provider(name string) string {
	switch name {
	case "qq":
		return "qq.com"
	case "163":
		return "163.com"
	case "126":
		return "126.com"
	case "139":
		return "139.com"
	case "gmail":
		return "gmail.com"
	case "foxmail":
		return "foxmail.com"
	case "outlook":
		return "outlook.com"
	case "hotmail":
		return "hotmail.com"
	case "aliyun":
		return "aliyun.com"
	case "yahoo":
		return "yahoo.com"
	case "icloud":
		return "icloud.com"
	case "sina":
		return "sina.com"
	case "sohu":
		return "sohu.com"
	case "live":
		return "live.com"
	case "yeah":
		return "yeah.net"
	case "189":
		return "189.cn"
	}
	return ""
}

// longNames are the providers whose names are long enough to be told from
// another word when one letter is wrong.
const longNames = "gmail foxmail outlook hotmail aliyun yahoo icloud"

// isReal tells of names that look like a slip and are none.
func isReal(name string) bool {
	switch name {
	case "mail", "email", "ymail", "rmail", "cloud":
		return true
	}
	return false
}

// meantTLD returns what a last label that no registry has was meant to be.
func meantTLD(tld string) string {
	switch tld {
	case "con", "cmo", "ocm", "vom", "xom", "cpm", "coom", "comm", "cim", "conm", "clm", "dom", "comn", "c0m":
		return "com"
	case "nte", "ney", "nett":
		return "net"
	case "cnn", "ccn":
		return "cn"
	}
	return ""
}

// meantHost returns the domain that was probably meant by one that looks like a
// slip of the finger (qq.con, gmial.com), "" when it looks right.
func meantHost(host string) string {
	dot := strings.LastIndexByte(host, '.')
	name, tld := host[:dot], host[dot+1:]
	if known := provider(name); known != "" {
		if known != host && (meantTLD(tld) != "" || isShort(tld)) {
			return known
		}
		return ""
	}
	better := meantTLD(tld)
	if (tld == "com" || better != "") && !isReal(name) {
		for long := range strings.FieldsSeq(longNames) {
			if isOneSlip(name, long) {
				return provider(long)
			}
		}
	}
	if better != "" {
		return name + "." + better
	}
	return ""
}

// isShort tells of last labels that exist, but beside a provider's name are
// nearly always a "com" cut short.
func isShort(tld string) bool { return tld == "co" || tld == "cm" || tld == "om" }

// isOneSlip tells whether a and b differ by one letter wrong, missing or too
// many, or by two neighbours swapped. It must not allocate.
func isOneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 || a == b {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	if a[i+1:] == b[i+1:] {
		return true
	}
	return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && a[i+2:] == b[i+2:]
}

// mendedHost guesses at what a text that is no domain was meant to be: a comma
// for the dot, no dot at all, a dot too many.
func mendedHost(host string) string {
	host = strings.ToLower(strings.Trim(host, ".,;:"))
	for _, try := range []string{host, strings.ReplaceAll(host, ",", "."), strings.ReplaceAll(host, "..", ".")} {
		if isHost(try) {
			return try
		}
	}
	for _, tld := range []string{"com", "net", "cn"} {
		name, ok := strings.CutSuffix(host, tld)
		if ok && provider(name) == name+"."+tld {
			return provider(name)
		}
	}
	return ""
}
