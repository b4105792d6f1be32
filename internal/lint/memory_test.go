package lint_test

import (
	"sync"
	"testing"

	"hongyan/internal/lint"
)

func TestAMemoryChangesNoFinding(t *testing.T) {
	t.Parallel()
	bodies := []string{
		`<p style="color:#eee">淡淡的字</p>`, `<P STYLE="color:#eee" onclick="x()">淡淡的字</P>`,
		`<p style="display:grid;gap:1rem">格</p>`, `<a href="">空</a>`, `<a href="HTTP://example.com/张三">链</a>`,
		`<img src="cid:logo">`, `<img src="cid:photo" alt="照片">`, `<style>.a > b { position: fixed }</style>`,
		`<style>.a > b { display: flex }</style>`, `<input type="text"><input type="date">`,
		`<p title="&lt;no value&gt;"><no value></p>`, `<div style="display:none">藏</div>`, `<a id="top"></a><a href="#top">上</a>`,
	}
	var memory lint.Memory
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for _, first := range bodies {
				for _, second := range bodies {
					m := with(first + second)
					want := said(lint.Check(m))
					m.Memory = &memory
					if got := said(lint.Check(m)); got != want {
						t.Errorf("%s\ngot\n%s\nwant\n%s", m.HTML, got, want)
					}
				}
			}
		})
	}
	readers.Wait()
}
