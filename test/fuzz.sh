#!/usr/bin/env bash
# Runs every fuzz target for the given time, one after the other.
set -euo pipefail
cd "$(dirname "$0")/.."
# fuzz MODULE TIME FOLDER... runs the targets below the folders of a module.
fuzz() (
	cd "$1"
	grep -rlE '^func Fuzz' --include='*_test.go' "${@:3}" | while read -r file; do
		sed -nE 's/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/p' "$file" | while read -r target; do
			echo "== $target ($1/$(dirname "$file"))"
			# To shorten each find for a minute, as is the default, takes the time to find more.
			go test -run '^$' -fuzz "^$target\$" -fuzztime "$2" -fuzzminimizetime 2s "./$(dirname "$file")"
		done
	done
)
fuzz . "$1" api proxy operator bpf
fuzz test/protocol "$1" forward message
