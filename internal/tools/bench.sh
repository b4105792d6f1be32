#!/usr/bin/env bash
# Speed and memory of the real binary, side by side with what Postfix's own
# tools reach against the same sink, in one run on this machine. Everything
# listens on 127.0.0.1 and ends by itself.
set -euo pipefail
cd "$(dirname "$0")/../.."
recipients=${RECIPIENTS:-50000}
million=${MILLION:-1000000}
work=$(mktemp -d)
sinks=()
trap 'for pid in "${sinks[@]:-}"; do [ -n "$pid" ] && kill "$pid" 2>/dev/null; done; rm -rf "$work"' EXIT

# Only the tools are unpacked; Postfix itself is never installed or started.
if ! command -v smtp-sink >/dev/null; then
	echo "fetching smtp-sink and smtp-source from Debian's postfix package"
	(cd "$work" && apt-get update -qq && apt-get download -qq postfix 2>/dev/null && dpkg -x postfix_*.deb postfix)
	export PATH="$work/postfix/usr/sbin:$PATH" LD_LIBRARY_PATH="$work/postfix/usr/lib/postfix"
fi
make -s build
hongyan=$PWD/bin/hongyan

sink() { # PORT: a server that takes everything
	smtp-sink -u nobody -c "127.0.0.1:$1" 1000 >/dev/null 2>&1 &
	sinks+=($!)
	for _ in $(seq 50); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done
	echo "smtp-sink does not answer on $1" >&2; exit 1
}

campaign() { # NAME ROWS CONNECTIONS PORT: a folder with a campaign of so many rows
	mkdir -p "$work/$1" && cd "$work/$1"
	cat >config.yaml <<-END
		account: relay
		state: state
		accounts:
		  relay: {provider: custom, host: 127.0.0.1, port: $4, tls: none, address: a@example.com, limits: {per_second: 100000, connections: $3}}
	END
	cat >bench.yaml <<-'END'
		name: bench
		subject: "{{.name}}，{{.city}}的通知 {{.code}}"
		template: bench.md
		layout: plain
		recipients: bench.csv
	END
	cat >bench.md <<-'END'
		# {{.name}}，您好

		感谢您在**{{.city}}**参加活动。Your code is `{{.code}}`, seat {{.seat}}.
		{{if eq .level "gold"}}
		金卡会员可从贵宾通道入场。
		{{end}}
		| 项目 | 内容 |
		| --- | --- |
		| 日期 | {{.date}} |
		| 座位 | {{.seat}} |
		| 编号 | {{.code}} |

		请提前十分钟到场。More at [our site](https://example.com/e?c={{.code}}).
	END
	awk -v n="$2" 'BEGIN { print "email,name,city,code,seat,level,date,note"
		for (i = 1; i <= n; i++) printf "r%d@example.com,收件人%d,北京,C%07d,%d-%d,%s,2026-12-24,-\n", i, i, i, i%40, i%25, i%3 ? "silver" : "gold" }' >bench.csv
	cd - >/dev/null
}

measured() { # WHAT ROWS COMMAND…: seconds, rate and peak memory of one command
	local what=$1 rows=$2 t0 t1 rss; shift 2
	t0=$(date +%s.%N)
	"$@" >"$work/out" 2>"$work/err" || { tail -5 "$work/err" >&2; return 1; }
	t1=$(date +%s.%N)
	awk -v what="$what" -v n="$rows" -v s="$(echo "$t1 - $t0" | bc)" 'BEGIN { printf "%-52s %9.2f s %9.0f /s\n", what, s, n / s }'
}

peak() { # COMMAND…: runs it and prints its peak memory
	python3 - "$@" <<-'END'
		import resource, subprocess, sys
		code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
		print("  peak memory %.1f MiB, exit %d" % (resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, code))
	END
}

echo "== one mail: render, compose, lint"
go test -run '^$' -bench 'Render|Compose|EmailBytes|Check' -benchmem ./internal/render ./internal/message ./internal/lint | grep -E '^Benchmark'

echo "== the whole job beside smtp-source, $recipients mails, ledger durable"
sink 42501
measured "smtp-source -d, 20 sessions, 4 KB" "$recipients" smtp-source -4 -d -s 20 -l 4096 -m "$recipients" -f a@bench.example -t b@bench.example 127.0.0.1:42501
campaign twenty "$recipients" 20 42501
measured "hongyan send, 20 connections" "$recipients" "$hongyan" --config "$work/twenty/config.yaml" send --yes "$work/twenty/bench.yaml"
measured "smtp-source -d, 1 session, 4 KB" 20000 smtp-source -4 -d -s 1 -l 4096 -m 20000 -f a@bench.example -t b@bench.example 127.0.0.1:42501
campaign one 20000 1 42501
measured "hongyan send, 1 connection" 20000 "$hongyan" --config "$work/one/config.yaml" send --yes "$work/one/bench.yaml"

echo "== $million recipients: memory"
campaign million "$million" 20 42501
t0=$(date +%s.%N)
peak "$hongyan" --config "$work/million/config.yaml" send --yes "$work/million/bench.yaml"
echo "  $(echo "$(date +%s.%N) - $t0" | bc) s in all"

echo "== the dashboard over 100,000 recipients: each page, nothing counted yet (bound: 100 ms)"
go test -run '^$' -bench Pages -benchtime 20x ./internal/web | grep -E '^Benchmark|takes|^ok|^FAIL' | sed 's/BenchmarkPages/  /' || true
