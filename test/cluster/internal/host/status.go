package host

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
	"github.com/fleetgate/fleetgate/test/cluster/internal/node"
)

// Status says in a few lines whether the cluster is up.
func (h *Host) Status() (string, error) {
	r, err := readRecord(h.Layout)
	if errors.Is(err, ErrDown) || err == nil && !r.alive() {
		return "down", nil
	}
	if err != nil {
		return "", err
	}
	state := "starting"
	if timeline, err := os.ReadFile(h.Layout.Timeline()); err == nil && strings.HasSuffix(string(timeline), node.Ready+"\n") {
		state = "up"
	}
	return fmt.Sprintf("%s\ninit process  %d\nnetwork       %s\nkubeconfig    %s (valid inside the network only)\nlogs          %s",
		state, r.PID, layout.Name, h.Layout.Kubeconfig(), h.Layout.Logs()), nil
}

// Running returns ErrDown unless the cluster is up.
func (h *Host) Running() error {
	r, err := readRecord(h.Layout)
	if err != nil {
		return err
	}
	if !r.alive() {
		return ErrDown
	}
	return nil
}
