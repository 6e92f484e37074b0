package snapshot

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// missing are certificates of which none has arrived.
type missing struct{}

func (missing) Find(proxyconfig.CertificateRef) (KeyPair, bool) { return KeyPair{}, false }

// compileFuzzed compiles a configuration after another one, or as the first.
// Names are left out: to look them up takes a network.
func compileFuzzed(c *proxyconfig.Config, r *balance.Registry, before *Snapshot) (*Snapshot, []proxyconfig.RefusedItem) {
	for i := range c.Backends {
		c.Backends[i].External = nil
	}
	s, refused := Compile(Input{
		Document: &proxyconfig.Document{}, Config: c, Certificates: missing{}, Registry: r,
		SessionSecret: []byte("0123456789abcdef0123456789abcdef"), Previous: before,
	})
	s.Commit()
	return s, refused
}

// FuzzCompile compiles any two configurations, one after the other. What becomes
// of the second one is the same without the first; whatever is the matter with a
// part of it, the ports that it names are there; and identifiers of series keep
// their meaning.
func FuzzCompile(f *testing.F) {
	document, err := os.ReadFile("../../../api/proxyconfig/v1/testdata/sample.json")
	if err != nil {
		f.Fatal(err)
	}
	var sample struct{ Config json.RawMessage }
	if err := json.Unmarshal(document, &sample); err != nil {
		f.Fatal(err)
	}
	sessions, err := json.Marshal(sessionConfig())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(sample.Config), sessions)
	f.Add(sessions, []byte(sample.Config))
	f.Add(sessions, []byte(`{"listeners":[{"name":"a","port":1,"protocol":"TCP"},{"name":"b","port":1,"protocol":"UDP"},{"name":"c","port":1,"protocol":"HTTP"}]}`))
	f.Add([]byte(`{"backends":[{"id":"a","endpoints":[{"address":"::1","port":0}]}]}`), []byte(`{"routes":[{"kind":"HTTPRoute","rules":[{}]}]}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		var a, b, c proxyconfig.Config
		if json.Unmarshal(first, &a) != nil || json.Unmarshal(second, &b) != nil || json.Unmarshal(second, &c) != nil {
			return
		}
		r := balance.NewRegistry(balance.Options{})
		before, _ := compileFuzzed(&a, r, nil)
		got, refused := compileFuzzed(&b, r, before)
		want, refusedAlone := compileFuzzed(&c, balance.NewRegistry(balance.Options{}), nil)
		if diff := cmp.Diff(refusedAlone, refused); diff != "" {
			t.Errorf("refused (-alone +after another one):\n%s", diff)
		}
		if diff := cmp.Diff(portsOf(want), portsOf(got)); diff != "" {
			t.Errorf("ports (-alone +after another one):\n%s", diff)
		}
		if !slices.Equal(got.Series[:len(before.Series)], before.Series) {
			t.Errorf("series were %v and are %v", before.Series, got.Series)
		}
	})
}

// portsOf says what each port speaks.
func portsOf(s *Snapshot) []string {
	var out []string
	for _, p := range s.Ports {
		out = append(out, fmt.Sprint(p.Number, p.Speech, p.TLS != nil, p.Terminating != nil, p.TCPRule != nil, p.TrustedSources))
	}
	for _, p := range s.UDPPorts {
		out = append(out, fmt.Sprint(p.Number, " udp ", p.Rule != nil))
	}
	return out
}
