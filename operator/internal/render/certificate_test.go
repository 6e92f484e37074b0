package render_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/fleetgate/fleetgate/operator/internal/golden"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/render"
)

func build(t *testing.T, name string) *graph.Graph {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "golden", "testdata", name, "in.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := golden.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	return graph.Build(c.Resources, graph.Options{ControllerName: golden.ControllerName})
}

// TestCertificatesAreWhereTheConfigSays looks up each reference of the config
// in the Secrets, and finds no more there than that.
func TestCertificatesAreWhereTheConfigSays(t *testing.T) {
	for _, name := range []string{"https-listener-serves-several-certificates", "missing-certificate-spoils-one-listener-only"} {
		g := build(t, name)
		shards := render.CertificateSecrets(g)
		entries := 0
		for _, shard := range shards {
			entries += len(shard)
		}
		found := 0
		for _, listener := range render.Config(g).Listeners {
			for _, ref := range listener.Certificates {
				chain, key := shards[ref.Secret][ref.Key+".crt"], shards[ref.Secret][ref.Key+".key"]
				if !bytes.Contains(chain, []byte("BEGIN CERTIFICATE")) || !bytes.Contains(key, []byte("BEGIN PRIVATE KEY")) {
					t.Errorf("%s: %v leads to %q", name, ref, chain)
				}
				found += 2
			}
		}
		if found == 0 || found != entries {
			t.Errorf("%s: the config refers to %d entries of %d", name, found, entries)
		}
	}
}

// TestOnlyAttachedRoutesTakeKeysAlong has an XBackend with a certificate of its own,
// which the fleet gets as long as a route that is attached leads there.
func TestOnlyAttachedRoutesTakeKeysAlong(t *testing.T) {
	const name = "xbackends-lead-out-of-the-cluster"
	// presented counts what backends are shown, entries what is in the Secrets.
	count := func(g *graph.Graph) (presented, entries int) {
		for _, backend := range render.Config(g).Backends {
			if backend.TLS != nil && backend.TLS.ClientCertificate != nil {
				presented++
			}
		}
		for _, shard := range render.CertificateSecrets(g) {
			entries += len(shard)
		}
		return presented, entries
	}
	g := build(t, name)
	if presented, entries := count(g); presented != 2 || entries != 2 {
		t.Errorf("attached: %d backends are shown a certificate, want 2, and the Secrets have %d entries, want 2", presented, entries)
	}
	for _, route := range g.Routes {
		for _, parent := range route.Parents {
			parent.Attachments = nil
		}
	}
	if presented, entries := count(g); presented != 0 || entries != 0 {
		t.Errorf("not attached: %d backends are shown a certificate, and the Secrets have %d entries", presented, entries)
	}
}

func TestConfigHasNoKeyMaterial(t *testing.T) {
	g := build(t, "https-listener-serves-several-certificates")
	data, err := json.Marshal(render.Config(g))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("BEGIN")) {
		t.Errorf("PEM in the config: %s", data)
	}
}

// TestExportHeadersAreSealed looks for what a collector is to be shown: it may be a
// credential.
func TestExportHeadersAreSealed(t *testing.T) {
	g := build(t, "a-telemetry-policy-has-requests-traced")
	config := render.Config(g)
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(data, []byte("Bearer")) {
		t.Errorf("the header is in the config: %s", data)
	}
	ref := config.Tracing.Headers
	shard := render.CertificateSecrets(g)[ref.Secret]
	const want = `[{"name":"Authorization","value":"Bearer secret"}]`
	if got := string(shard[ref.Key+".key"]); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	sum := sha256.Sum256(shard[ref.Key+".crt"])
	if got := hex.EncodeToString(sum[:]); got != ref.SHA256 {
		t.Errorf("got hash %s, want %s", ref.SHA256, got)
	}
}
