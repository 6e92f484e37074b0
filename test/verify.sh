#!/usr/bin/env bash
# Fails when formatting, go.mod or generated code differ from what is committed.
# The eBPF objects are compiled again only where clang-19 is at hand.
set -euo pipefail
cd "$(dirname "$0")/.."

fail=0
check() { # what command...
	local what=$1
	shift
	local out rc=0
	# Where the modules' cache is empty, go says what it fetches.
	out=$("$@" 2>&1 | { grep -v '^go: downloading ' || true; }) || rc=$?
	if [ $rc != 0 ] || [ -n "$out" ]; then
		printf 'verify: %s:\n%s\n' "$what" "$out"
		fail=1
	fi
}

# regenerated TARGET PATH... runs a make target on a copy of the tree and
# prints what differs afterwards.
regenerated() {
	local target=$1
	shift
	local copy
	copy=$(mktemp -d)
	git ls-files -z --cached --others --exclude-standard | xargs -0 tar c --ignore-failed-read 2>/dev/null | tar x -C "$copy"
	make -s -C "$copy" "$target" >"$copy.log" 2>&1 || { cat "$copy.log"; }
	for path in "$@"; do
		diff -r "$path" "$copy/$path" || true
	done
	rm -rf "$copy" "$copy.log"
}

check "not gofmt-ed" gofmt -l api bpf internal operator proxy test
check "go.mod is not tidy" go mod tidy -diff
check "test/go.mod is not tidy" go -C test mod tidy -diff
check "test/http2/go.mod is not tidy" go -C test/http2 mod tidy -diff
check "test/protocol/go.mod is not tidy" go -C test/protocol mod tidy -diff
check "make generate changes" regenerated generate config/rbac config/crd api/v1alpha1 docs/reference
check "make bundle changes" regenerated bundle bundle
if command -v clang-19 >/dev/null; then
	check "make bpf changes" regenerated bpf bpf
fi
[ $fail = 0 ] && echo "verify: everything committed is up to date"
exit $fail
