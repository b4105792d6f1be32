# hongyan: an index of what one can do. `make` prints it.
.DEFAULT_GOAL := help
TOOL := go tool -modfile=internal/tools/go.mod

help: ## print this index
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

build: ## build bin/hongyan, a static binary
	CGO_ENABLED=0 go build -trimpath -o bin/hongyan ./cmd/hongyan

demo: build ## send a real campaign to the built-in sandbox server
	./bin/hongyan send --yes campaigns/welcome.yaml; code=$$?; [ $$code -eq 0 ] || [ $$code -eq 3 ]

test: needs ## everything a contributor needs: all tests, with race detector and shuffled
	go test -race -shuffle=on -timeout 15m ./...

check: form test ## what CI runs: form, vet, staticcheck, idioms, dead code, house test, tests

form: ## format, vet, staticcheck, current idioms, the cluster's objects, dead code
	@big=$$(find . -name .git -prune -o -type f -size +1024k -print0 | xargs -0 -r git ls-files --) && [ -z "$$big" ] || { echo "too big to be kept: $$big"; exit 1; }
	@unformatted=$$($(TOOL) gofumpt -l cmd internal templates); [ -z "$$unformatted" ] || { echo "not gofumpt: $$unformatted"; exit 1; }
	go vet ./...
	go fix -diff ./...
	$(TOOL) staticcheck ./...
	go run -C internal/tools/kube . ../../../deploy/kubernetes
	@dead=$$($(TOOL) deadcode -test ./...) && [ -z "$$dead" ] || { echo "$$dead"; exit 1; }
	@dead=$$($(TOOL) deadcode $$(go list ./... | grep -vE 'test$$|/browser$$')) && [ -z "$$dead" ] || { echo "used by tests alone:"; echo "$$dead"; exit 1; }

golden: ## rewrite the golden files; review the diff
	go test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' cmd internal | sed 's|^|./|; s|/[^/]*$$||') -update

fuzz: ## each fuzz target for a minute
	./internal/tools/fuzz.sh 60s

drill-kill: ## kill the program a thousand times each on 1 and 20 connections: nobody lost, nobody mailed twice
	go test ./internal/drill -run Kill -kills 1000 -timeout 3h -v

drill-workers: ## kill, freeze and cut off workers and services that share issues: nobody lost, nobody mailed twice, no limit passed, each slot once
	go test ./internal/drill -run Workers -workers.mails 20000 -workers.kills 30 -workers.freezes 10 -workers.cuts 5 -workers.serves 4 -workers.heirs 5 -workers.takes 10s -timeout 30m -v

drill-sim: ## a million lives of the line from seeds; a failing seed prints itself
	go test ./internal/drill -run Sim -seeds 1000000 -timeout 12h -v

bench: build ## speed and memory beside what others do, each with its bar; the table is left in bin/bench.md
	@./internal/tools/needs.sh psql=postgresql
	go run -C internal/tools ./bench -program $(CURDIR)/bin/hongyan -o $(CURDIR)/bin/bench.md

screenshots: needs ## the README's pictures: every layout and the dashboard on desktop, mobile and dark, and the demo
	@fc-list :lang=zh | grep -q . || { echo "pictures need a Chinese font: apt-get install fonts-noto-cjk fonts-noto-color-emoji"; exit 1; }
	go test ./internal/preview/browser ./internal/web -run Screenshot -count 1 -shots $(CURDIR)/examples/screenshots

needs: ## install what tests need from Debian's packages, when missing
	@./internal/tools/needs.sh python3 chromium systemd-analyze=systemd psql=postgresql
	@./internal/tools/promtool.sh

.PHONY: help build demo test check form golden fuzz drill-kill drill-sim drill-workers bench screenshots needs
