package delivery_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/operator/internal/delivery"
	"github.com/fleetgate/fleetgate/operator/internal/names"
)

const system = "fleetgate-system"

// agents returns a keeper that remembers nothing, and what it works with.
func (w *world) agents(live client.Reader) *delivery.NodeAgent {
	return delivery.NewNodeAgent(delivery.Options{Client: w.api, Live: live, Now: func() time.Time { return w.now }}, system)
}

func (w *world) agentSecret() *corev1.Secret {
	w.t.Helper()
	secret := &corev1.Secret{}
	if err := w.api.Get(w.t.Context(), types.NamespacedName{Namespace: system, Name: names.NodeAgentSecret}, secret); err != nil {
		w.t.Fatal(err)
	}
	return secret
}

// presents says whether who trusts the authorities takes the Secret's certificate for
// an agent's.
func (w *world) presents(authorities string) bool {
	w.t.Helper()
	data := w.agentSecret().Data
	pair, err := tls.X509KeyPair(data["tls.crt"], data["tls.key"])
	if err != nil {
		w.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(authorities))
	_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: probe.NodeAgentName, CurrentTime: w.now})
	return err == nil
}

func (w *world) authorities(of *delivery.NodeAgent) delivery.Authorities {
	w.t.Helper()
	known, err := of.Authorities(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return known
}

func TestAgentsOfNodesGetACertificateThatIsRenewed(t *testing.T) {
	w := newWorld(t)
	keeper := w.agents(w.api)
	first := w.authorities(keeper)
	if !w.presents(first.PEM) || strings.Contains(first.PEM, "PRIVATE") {
		t.Errorf("the agents' certificate is not by %s", first.PEM)
	}
	version := w.agentSecret().ResourceVersion
	if again := w.authorities(w.agents(w.api)); again != first || w.agentSecret().ResourceVersion != version {
		t.Error("after a restart there is another certificate")
	}
	w.now = first.RenewAt
	second := w.authorities(keeper)
	if w.agentSecret().ResourceVersion == version || !second.RenewAt.After(w.now) {
		t.Error("the certificate was not renewed")
	}
	if !w.presents(second.PEM) {
		t.Error("the new certificate is trusted by nobody")
	}
	if !strings.Contains(second.PEM, first.PEM) {
		t.Error("the certificate that agents still present is not trusted any more")
	}
}

// away is an API server that does not answer.
type away struct{ client.Reader }

func (away) Get(context.Context, client.ObjectKey, client.Object, ...client.GetOption) error {
	return errors.New("away")
}

func TestWhatIsKnownOfAgentsStaysWhileTheAPIServerIsAway(t *testing.T) {
	w := newWorld(t)
	live := &struct{ client.Reader }{w.api}
	keeper := w.agents(live)
	known := w.authorities(keeper)
	live.Reader = away{}
	w.now = w.now.Add(24 * time.Hour)
	if got, err := keeper.Authorities(t.Context()); err == nil || got != known {
		t.Errorf("got %+v, error %v", got, err)
	}
}

func TestACertificateOfUsersForAgentsIsLeftAlone(t *testing.T) {
	w := newWorld(t)
	w.authorities(w.agents(w.api))
	secret := w.agentSecret()
	secret.Data["ca.crt"] = append([]byte("# ours\n"), secret.Data["ca.crt"]...)
	if err := w.api.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if got := w.authorities(w.agents(w.api)); !strings.HasPrefix(got.PEM, "# ours") {
		t.Errorf("got %s", got.PEM)
	}
	secret = w.agentSecret()
	secret.Data["tls.crt"] = []byte("none")
	if err := w.api.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	if got := w.authorities(w.agents(w.api)); !w.presents(got.PEM) {
		t.Error("one that is of no use was not replaced")
	}
}
