package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
)

// A campaign is a folder with all that a send needs.
type campaign struct{ config, file string }

const configuration = `account: relay
state: state
accounts:
  relay:
    provider: custom
    host: %s
    port: %s
    tls: none
    address: a@example.com
    limits: {per_second: 100000, connections: %d}
`

const campaignFile = `name: bench
subject: "{{.name}}，{{.city}}的通知 {{.code}}"
template: letter.md
layout: letter
recipients: list.csv
`

const letter = `# {{.name}}，您好

感谢您在**{{.city}}**参加活动。Your code is ` + "`{{.code}}`" + `, seat {{.seat}}.
{{if eq .level "gold"}}
金卡会员可从贵宾通道入场。
{{end}}
| 项目 | 内容 |
| --- | --- |
| 日期 | {{.date}} |
| 座位 | {{.seat}} |
| 编号 | {{.code}} |

请提前十分钟到场。More at [our site](https://example.com/e?c={{.code}}).

为了让每一位来宾都能顺利入场，请携带身份证件，并在入口处出示本邮件中的编号。场内设有寄存处、休息区和茶歇，午餐在二楼餐厅供应，素食请提前告知我们。

- 上午九点：签到，领取会刊与胸牌
- 上午十点：开幕致辞与主题演讲
- 下午两点：分会场报告，每场四十分钟
- 下午五点：合影，之后自由交流

如果您不能出席，请在会议前三天告诉我们，您的座位会留给候补名单上的朋友。We look forward to seeing you, {{.name}}!
`

// layout keeps the mails at the 4 KB of smtp-source's.
const layout = `<!DOCTYPE html>
<html lang="{{.Lang}}">
<head>
<meta charset="utf-8">
<title>{{.Subject}}</title>
<style data-inline>
body { font-family: 'PingFang SC', 'Microsoft YaHei', sans-serif; }
h1 { font-size: 20px; }
p { font-size: 15px; line-height: 1.8; }
td { padding: 6px 16px; }
</style>
</head>
<body>
<table role="presentation" width="600" align="center"><tr><td>
{{.Body}}
</td></tr></table>
</body>
</html>
`

func (b *bench) campaign(name string, rows, connections int, server string) (campaign, error) {
	dir := filepath.Join(b.dir, name)
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return campaign{}, err
	}
	files := map[string]string{
		"config.yaml": fmt.Sprintf(configuration, host, port, connections), "campaign.yaml": campaignFile,
		"letter.md": letter, "layouts/letter.html": layout,
	}
	if err := os.MkdirAll(filepath.Join(dir, "layouts"), 0o700); err != nil {
		return campaign{}, err
	}
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			return campaign{}, err
		}
	}
	return campaign{filepath.Join(dir, "config.yaml"), filepath.Join(dir, "campaign.yaml")}, writeList(filepath.Join(dir, "list.csv"), rows)
}

func writeList(path string, rows int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	fmt.Fprintln(w, "email,name,city,code,seat,level,date,note")
	for i := range rows {
		level := "silver"
		if i%3 == 0 {
			level = "gold"
		}
		fmt.Fprintf(w, "r%d@example.com,收件人%d,北京,C%07d,%d-%d,%s,2026-12-24,-\n", i, i, i, i%40, i%25, level)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
