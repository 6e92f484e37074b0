package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// cluster is what all tests share; TestMain sets it once, before any of them.
var cluster *stack.Stack

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Minute)
	defer cancel()
	_, err := client.Connect(client.Options{})
	wasUp := err == nil
	if cluster, err = stack.Up(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	code := m.Run()
	if wasUp {
		return code
	}
	if err := stack.Down(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	return code
}
