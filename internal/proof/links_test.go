package proof

import "testing"

func TestALinkIsEverybodysOnlyIfTheAuthorWroteAllOfIt(t *testing.T) {
	t.Parallel()
	const letter = `[a](https://a.cn/ok), <https://a.cn/>, www.b.cn。[c](https://c.cn/75) [d](https://d.cn/x?u={{.id}})
		[e](https://e.cn/{{.id}}) [f](https://{{.shop}}.f.cn/sale) [g](https://sub.g.cn/x) https://h.cn/a/b?x=1#part`
	for link, want := range map[string]bool{
		"a.cn/ok": true, "a.cn": true, "www.b.cn": true, "c.cn/75": true, "h.cn/a/b?x=1#part": true,
		"c.cn/7": false, "d.cn/x?u=": false, "d.cn/x?u=7": false, "e.cn": false, "e.cn/7": false, "f.cn/sale": false,
		"li.f.cn/sale": false, "g.cn/x": false, "h.cn/a/b?x=1": false, "nowhere.cn": false,
	} {
		if got := stands(letter, link); got != want {
			t.Errorf("%s: %v", link, got)
		}
	}
}
