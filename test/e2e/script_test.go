package e2e

import "testing"

// functions are what scripts in the cluster have. Both find processes by their name, of
// which the kernel has the first 15 characters: pids any number, and one a single one.
const functions = `
pids() { for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" = $1 ] && echo ${p#/proc/}; done; true; }
one() { [ $(pids $1 | wc -l) = 1 ] && pids $1; }
`

// runScript runs a script in the cluster, up to the first command that fails.
func runScript(t *testing.T, script string) {
	t.Helper()
	if out, err := cluster.Exec(t.Context(), "sh", "-ec", functions+script); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
