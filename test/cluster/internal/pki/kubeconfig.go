package pki

import (
	"encoding/json"
	"fmt"
)

// kubeconfig renders a client configuration. It is JSON, which is YAML as
// well; byte slices encode as base64, just as the format wants them.
func kubeconfig(server string, authority []byte, client pair) ([]byte, error) {
	type m = map[string]any
	const name = "fleetgate"
	config := m{
		"apiVersion":      "v1",
		"kind":            "Config",
		"current-context": name,
		"clusters":        []m{{"name": name, "cluster": m{"server": server, "certificate-authority-data": authority}}},
		"users":           []m{{"name": name, "user": m{"client-certificate-data": client.certificate, "client-key-data": client.key}}},
		"contexts":        []m{{"name": name, "context": m{"cluster": name, "user": name}}},
	}
	out, err := json.MarshalIndent(config, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding a kubeconfig: %w", err)
	}
	return append(out, '\n'), nil
}
