#!/usr/bin/env bash
# Runs every fuzz target of the house for the given time, one after the other.
# Unbounded, making new inputs smaller takes the whole time of the targets that
# write files: seven tries in a minute.
set -euo pipefail
for dir in $(grep -rlE '^func Fuzz' --include='*_test.go' internal | xargs -n1 dirname | sort -u); do
	for target in $(grep -rhoE '^func Fuzz[A-Za-z0-9]+' --include='*_test.go' "$dir" | awk '{print $2}' | sort -u); do
		echo "== $dir $target"
		go test "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 10x
	done
done
