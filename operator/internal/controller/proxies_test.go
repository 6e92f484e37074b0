package controller

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// played are proxies that a test plays: of each fleet all serve the document that is
// stored, unless they have one of a higher revision.
type played struct {
	t      *testing.T
	client client.Client

	mu     sync.Mutex
	serves map[string]proxyconfig.Report
	// stuck, unless it is nil, has requests wait until it is closed and their connections
	// break then, and waiting counts these.
	stuck   chan struct{}
	waiting int
}

// play has all proxies of a world's fleets answer, each fleet's by the name that its
// certificate is for, once the process is booted again. What they present is judged by
// the real time, which is the world's from here on.
func (w *world) play() *played {
	w.t.Helper()
	w.now = time.Now()
	p := &played{t: w.t, client: w.plain, serves: make(map[string]proxyconfig.Report)}
	server := httptest.NewUnstartedServer(p)
	server.TLS = &tls.Config{GetCertificate: p.certificate}
	server.StartTLS()
	w.t.Cleanup(server.Close)
	w.port = server.Listener.Addr().(*net.TCPAddr).Port
	return p
}

// stick has the proxies not answer until the function that it returns is called. Who has
// asked until then is never answered.
func (p *played) stick() (unstick func()) {
	stuck := make(chan struct{})
	set := func(to chan struct{}) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.stuck = to
	}
	set(stuck)
	unstick = sync.OnceFunc(func() {
		set(nil)
		close(stuck)
	})
	p.t.Cleanup(unstick)
	return unstick
}

// wait holds a request up that is not to be answered.
func (p *played) wait() {
	p.mu.Lock()
	stuck := p.stuck
	if stuck != nil {
		p.waiting++
	}
	p.mu.Unlock()
	if stuck != nil {
		<-stuck
		panic(http.ErrAbortHandler)
	}
}

// asked says how many requests have been held up.
func (p *played) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting
}

func (p *played) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	secret := &corev1.Secret{}
	if err := p.client.Get(hello.Context(), types.NamespacedName{Namespace: "tenant", Name: hello.ServerName + "-admin"}, secret); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	return &pair, err
}

// ServeHTTP implements http.Handler. An answer is held back until it is another one than
// who asks knows.
func (p *played) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	p.wait()
	for {
		report, err := p.report(r.Context(), r.TLS.ServerName)
		switch {
		case r.Context().Err() != nil:
			return
		case err != nil:
			http.Error(out, err.Error(), http.StatusInternalServerError)
			return
		case r.URL.Query().Get("after") != fmt.Sprint(report.Sequence):
			if err := json.NewEncoder(out).Encode(report); err != nil {
				p.t.Log(err)
			}
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (p *played) report(ctx context.Context, fleet string) (proxyconfig.Report, error) {
	live := &corev1.ConfigMap{}
	if err := p.client.Get(ctx, types.NamespacedName{Namespace: "tenant", Name: fleet + "-config"}, live); err != nil {
		return proxyconfig.Report{}, err
	}
	document, _, _, err := proxyconfig.Decode([]byte(live.Data[proxyconfig.ConfigKey]))
	if err != nil {
		return proxyconfig.Report{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if document.Revision > p.serves[fleet].Revision {
		p.serves[fleet] = proxyconfig.Report{
			Sequence: uint64(document.Revision), GatewayUID: document.Gateway.UID, Hash: document.Hash, Revision: document.Revision,
		}
	}
	return p.serves[fleet], nil
}

// runPods does what the controllers of Kubernetes do of a fleet with two replicas, and
// the load balancer of its Service.
func (w *world) runPods(gateway string) {
	w.t.Helper()
	w.startPods(gateway)
	w.assign(gateway)
}

func (w *world) startPods(gateway string) {
	w.t.Helper()
	for _, name := range []string{gateway + "-1", gateway + "-2"} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: name, UID: types.UID(name), Labels: names.Selector(gateway, "fleetgate")}}
		pod.Status.PodIP = "127.0.0.1"
		pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		w.must(w.plain.Create(w.t.Context(), pod))
		w.heard(pod)
	}
}

// assign gives the Gateway's Service an address.
func (w *world) assign(gateway string) {
	w.t.Helper()
	service := get(w, fleet(gateway).Name(), &corev1.Service{})
	service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "198.51.100.1"}}
	w.must(w.client.Status().Update(w.t.Context(), service))
}

// hear waits until the proxies of the Gateways have been heard of.
func (w *world) hear(gateways ...string) {
	w.t.Helper()
	for _, name := range gateways {
		key := client.ObjectKey{Namespace: "tenant", Name: name}
		w.until("to hear of the proxies of "+name, func() bool { return !w.gateways.tracker.Fleet(key).Unheard() })
	}
}

// waitServes waits until both proxies of a Gateway are seen to serve what is stored.
func (w *world) waitServes(gateway string) {
	w.t.Helper()
	w.until("both proxies of "+gateway+" to serve what is stored", func() bool {
		w.round()
		w.now = w.now.Add(statusPause)
		document, _ := w.document(gateway)
		return strings.Contains(w.programmedMessage(gateway), "2/2 proxies on "+document.Hash[:8])
	})
}

func (w *world) until(what string, is func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("waiting in vain for %s", what)
		}
	}
}
