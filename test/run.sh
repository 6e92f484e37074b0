#!/usr/bin/env bash
# All tests, bounded, with a summary at the end. A stage that fails does not keep
# the others from running.
#
#   make test                      everything
#   make test STAGES="unit e2e"    these stages only
set -uo pipefail
cd "$(dirname "$0")/.."

logs=$(mktemp -d)
summary=() failures=() passed=0 failed=0

# stage NAME COMMAND... runs a command whose output is that of go test, shows
# what failed, and counts tests.
stage() {
	local name=$1 start=$SECONDS rc p f
	shift
	echo "== $name"
	"$@" >"$logs/$name" 2>&1
	rc=$?
	p=$(grep -cE '^ *--- PASS|^ok ' "$logs/$name")
	f=$(grep -cE '^ *--- FAIL|^FAIL' "$logs/$name")
	if [ $rc != 0 ]; then
		[ "$f" = 0 ] && f=1
		tail -n 150 "$logs/$name"
		mapfile -t -O ${#failures[@]} failures < <(awk -f test/failures.awk "$logs/$name" | head -n 60)
	else
		grep -E '^ *--- SKIP|measured:' "$logs/$name"
		[ "$p" = 0 ] && p=1
		f=0
	fi
	passed=$((passed + p)) failed=$((failed + f))
	summary+=("$(printf '%-8s %-6s %5ds  %d passed, %d failed' "$name" "$([ $rc = 0 ] && echo ok || echo FAILED)" $((SECONDS - start)) "$p" "$f")")
}

verify() { make -s verify; }
lint() { make -s lint; }
unit() {
	go vet ./... && go -C test vet ./... && go -C test/bench vet . && go -C test/protocol vet ./... && go -C test/http2 vet . &&
		FLEETGATE_REQUIRE_BPF=${CI:+1} go test -v ./... &&
		go -C test test -v ./apidoc/... ./bundle/... ./cluster/... ./echo/... ./images/... ./internal/... ./local/... ./control/... ./metricsdoc/... ./rules/... &&
		go -C test/bench test -v . &&
		go -C test/conformance test -v ./renaming/...
}
protocol() { make -s test-protocol; }
# The driver that systems other than Linux have is looked at as a whole program,
# too, and for data races by what goes through all of it.
portable() {
	FLEETGATE_DRIVER=portable go -C test/protocol test -count=1 -timeout 10m -v ./forward ./poison ./reverseproxy ./websocket &&
		make -s test-http2 DRIVER=portable
}
race() {
	[ -z "$compiling" ] || wait "$compiling"
	compiling=
	make -s test-race && make -s test-http2 DRIVER=portable-race
}
http2() { make -s test-http2; }
attack() { make -s test-attack; }
try() { make -s try ARGS=-once; }
cluster() { FLEETGATE_CLUSTER=1 go -C test test -count=1 -v -timeout 15m -run Lifecycle ./cluster; }
e2e() { make -s test-e2e; }

# ahead compiles what the race detector's stage runs while e2e waits for Kubernetes, in
# what time that leaves: a session of its own has its share of the CPU by itself. Where it
# fails, that stage tells.
ahead() {
	setsid bash -c 'echo 19 >/proc/self/autogroup; exec nice -n 19 make -s build-race' >/dev/null 2>&1 &
	compiling=$!
}
compiling=
trap '[ -z "$compiling" ] || kill -- -"$compiling" 2>/dev/null; rm -rf "$logs"' EXIT

for name in ${*:-verify lint unit protocol http2 portable attack try cluster e2e race}; do
	[ "$name" != e2e ] || ahead
	stage "$name" "$name"
done

echo
echo "Summary"
printf '  %s\n' "${summary[@]}"
if [ $failed != 0 ]; then
	echo
	echo "Failures"
	printf '  %s\n' "${failures[@]}"
fi
echo
echo "$passed passed, $failed failed"
[ $failed = 0 ]
