package campaign_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"hongyan/internal/campaign"
	"hongyan/internal/data"
)

func TestDataComeFromFilesFeedsAndServers(t *testing.T) {
	t.Parallel()
	c, err := campaign.Parse("campaigns/c.yaml", []byte(head+`data:
  news: {feed: https://e.com/rss.xml, limit: 10}
  价格: {file: prices.csv, max: 5MB}
  old: {feed: feeds/old.xml}
  stats:
    url: http://10.0.0.5/stats.json
    timeout: 3s
    max: 500 KB
    private: true
only_new: news
`))
	if err != nil {
		t.Fatal(err)
	}
	place := func(line int) data.Place { return data.Place{File: "campaigns/c.yaml", Line: line} }
	want := []data.Source{
		{Name: "news", Kind: data.Feed, From: "https://e.com/rss.xml", Limit: 10, OnlyNew: true, Place: place(5)},
		{Name: "价格", Kind: data.File, From: "campaigns/prices.csv", Max: 5 << 20, Place: place(6)},
		{Name: "old", Kind: data.Feed, From: "campaigns/feeds/old.xml", Place: place(7)},
		{Name: "stats", Kind: data.URL, From: "http://10.0.0.5/stats.json", Timeout: 3 * time.Second, Max: 500 << 10, Private: true, Place: place(8)},
	}
	if !reflect.DeepEqual(c.Data, want) || c.OnlyNew != "news" {
		t.Errorf("got %+v\nwant %+v", c.Data, want)
	}
}

func TestFaultsOfDataNameTheirCure(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"data: news.xml\n":                                      "c.yaml:4: data must be a map of keys and values",
		"data:\n  1st: {file: a.csv}\n":                         `c.yaml:5: "1st" cannot be the name of data`,
		"data:\n  a-b: {file: a.csv}\n":                         `c.yaml:5: "a-b" cannot be the name of data`,
		"data:\n  x: {limit: 3}\n":                              "c.yaml:5: data.x must say one of file, feed and url",
		"data:\n  x: {file: a.csv, feed: b.xml}\n":              "c.yaml:5: data.x must say one of file, feed and url",
		"data:\n  x: {file: https://e.com/a.csv}\n":             "c.yaml:5: https://e.com/a.csv is an address, not a file\n    write url:",
		"data:\n  x: {url: stats.json}\n":                       "c.yaml:5: stats.json is no address",
		"data:\n  x: {url: \"\"}\n":                             "c.yaml:5: data.x.url is empty",
		"data:\n  x: {feed: a.xml, limit: 0}\n":                 `c.yaml:5: data.x.limit: "0" will not do`,
		"data:\n  x: {file: a.csv, limit: 3}\n":                 `c.yaml:5: data.x.limit: "3" will not do` + "\n    a number from 1, of a feed's items",
		"data:\n  x:\n    url: https://e.com/\n    timeout: 2h": `c.yaml:7: data.x.timeout: "2h" will not do`,
		"data:\n  x: {url: https://e.com/, max: lots}\n":        `c.yaml:5: data.x.max: "lots" will not do`,
		"data:\n  x: {url: https://e.com/, max: 100MB}\n":       `c.yaml:5: data.x.max: "100MB" will not do`,
		"data:\n  x: {url: https://e.com/, private: yes}\n":     `c.yaml:5: data.x.private is "yes" and must be true or false`,
		"data:\n  x: {fil: a.csv}\n":                            `c.yaml:5: unknown key "data.x.fil"`,
		"only_new: news\n":                                      `c.yaml:4: only_new: there is no feed "news" in data`,
		"data:\n  news: {feed: a.xml}\nonly_new: nwes\n":        "c.yaml:6: only_new: there is no feed \"nwes\" in data\n    did you mean \"news\"?",
	} {
		_, err := campaign.Parse("c.yaml", []byte(head+src))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q:\ngot  %v\nwant %s", src, err, want)
		}
	}
}
