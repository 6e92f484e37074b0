package attack

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/edge"
)

// orderVariable makes this program the attacker of an order, as JSON.
const orderVariable = "FLEETGATE_ATTACK"

// order is what a process of its own is to do.
type order struct {
	Name, Plain, TLS string
	During           time.Duration
}

func TestMain(m *testing.M) {
	if text, ok := os.LookupEnv(orderVariable); ok {
		if err := obey(text); err != nil {
			fmt.Fprintln(os.Stderr, "attack:", err)
			os.Exit(1)
		}
		return
	}
	edge.Main(m)
}

// obey makes the attack and prints the report.
func obey(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	// An attacker has a machine of its own in life: here it takes what is left.
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, 10); err != nil {
		return err
	}
	for _, attack := range slices.Concat(All(), Validated()) {
		if attack.Name == o.Name {
			attacker := Attacker{Plain: o.Plain, TLS: o.TLS, Patience: attack.Within}
			return json.NewEncoder(os.Stdout).Encode(attacker.Make(attack, o.During))
		}
	}
	return fmt.Errorf("no attack %q", o.Name)
}
