// Package bpftest is what the tests of the eBPF programs share: whether the
// machine can run them, and rooms of their own to run in.
package bpftest

import (
	"errors"
	"os"
	"testing"

	"github.com/cilium/ebpf"
)

// Required is the environment variable that turns the skipping of a test that
// the machine cannot run into its failure.
const Required = "FLEETGATE_REQUIRE_BPF"

// Require skips the test when err says that the machine lacks what it needs.
// A program that the verifier refuses is no fault of the machine's.
func Require(t testing.TB, err error) {
	t.Helper()
	var refused *ebpf.VerifierError
	switch {
	case err == nil:
	case errors.As(err, &refused) && len(refused.Log) > 0:
		t.Fatalf("%+v", refused)
	case os.Getenv(Required) == "1":
		t.Fatalf("this machine cannot run the test, and %s=1: %v", Required, err)
	default:
		t.Skipf("this machine cannot run the test: %v", err)
	}
}
