package main

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestPortsAreDistinctAndBelowThoseOfClients(t *testing.T) {
	met := map[int]bool{backendPort: true, callsPort: true, streamPort: true}
	for _, e := range engines(append(allPeers, nameFleetgate)) {
		for _, f := range allFronts {
			port := f.port(e.number)
			if met[port] || port >= 19000 {
				t.Errorf("%s has port %d", e.name, port)
			}
			met[port] = true
		}
	}
}

func TestConfigurationsNameTheirPorts(t *testing.T) {
	s := siteOf(t.TempDir(), engine{number: 3})
	for name, text := range map[string]string{"nginx": nginxConfig, "HAProxy": haproxyConfig} {
		got, err := expand(text, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"8803", "8823", "8843", "8863", "8883", "8790", "8791", "8792"} {
			if !strings.Contains(string(got), "127.0.0.1:"+want) {
				t.Errorf("%s: no %s in\n%s", name, want, got)
			}
		}
	}
}

func TestCaddyConfigIsJSON(t *testing.T) {
	s := siteOf(t.TempDir(), engine{number: 7})
	command, err := configured("caddy.json", caddyConfig, "{{.Work}}/caddy")(s)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{s.Work + "/caddy", s.Work + "/caddy.json"}; !slices.Equal(command, want) {
		t.Errorf("got %q, want %q", command, want)
	}
	data, err := os.ReadFile(command[1])
	if err != nil || !json.Valid(data) {
		t.Errorf("%v\n%s", err, data)
	}
}
