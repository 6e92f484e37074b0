package agent

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
	"github.com/fleetgate/fleetgate/bpf/internal/remote"
)

// sensorOf is the sensor of a pod, without any program of its own.
type sensorOf struct {
	*remote.Client
	// listener is what its proxy would listen on.
	listener net.Listener
	// logged is what it has said.
	logged chan string
	leave  func()
}

// join starts a sensor, and waits until the agent counts for it.
func (a *agentOf) join(t *testing.T, token string, endpoint netip.AddrPort) *sensorOf {
	t.Helper()
	s := a.start(t, token, endpoint)
	await(t, "the agent to count", func() bool {
		_, session := s.Attached()
		return session != 0
	})
	return s
}

// start starts a sensor that follows a proxy in the pod's cgroup.
func (a *agentOf) start(t *testing.T, token string, endpoint netip.AddrPort) *sensorOf {
	t.Helper()
	path := filepath.Join(a.folder, "token-"+token)
	if err := os.WriteFile(path, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	logged := make(chan string, 16)
	client := remote.New(remote.Options{
		Address: a.address, Token: path, Authorities: filepath.Join(a.folder, "tls.crt"),
		Log: funcr.New(func(_, message string) {
			select {
			case logged <- message:
			default:
			}
		}, funcr.Options{}),
	})
	client.Follow(remote.Proxy{Instance: "proxy of " + token})
	client.SetEndpoints([]probe.Endpoint{{Address: endpoint, Backend: backend}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- client.Run(ctx) }()
	return &sensorOf{Client: client, logged: logged, leave: func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func TestSensorsComeBackToAnAgentThatWasAway(t *testing.T) {
	root, kernel := twoPods(t), &fakeKernel{attached: map[string]*fakePrograms{}}
	a := startAgent(t, kernel, root)
	s := a.join(t, "a", netip.MustParseAddrPort("10.0.0.1:80"))
	defer s.leave()
	a.stop()
	if len(kernel.attached) > 0 {
		t.Errorf("the agent has left behind %v", kernel.attached)
	}
	none := func(bpf.L4FlowKey, *bpf.L4Flow) { t.Error("there is a flow without an agent") }
	if err := s.Flows(none); err == nil {
		t.Error("there is an answer without an agent")
	}
	if _, session := s.Attached(); session != 0 {
		t.Error("the agent that has gone is said to count")
	}
	startAgentAt(t, a.address, a.folder, kernel, root)
	await(t, "the sensor to come back", func() bool {
		_, session := s.Attached()
		return session != 0
	})
	await(t, "the endpoints to be told again", func() bool { return kernel.at("poduid-a").told() == 1 })
}

// A process that is another one begins with nothing, and what was counted of the one
// before is gone before that.
func TestANewProxyIsCountedAnew(t *testing.T) {
	kernel := &fakeKernel{attached: map[string]*fakePrograms{}}
	a := startAgent(t, kernel, twoPods(t))
	s := a.join(t, "a", netip.MustParseAddrPort("10.0.0.1:80"))
	defer s.leave()
	before := kernel.at("poduid-a")
	s.Follow(remote.Proxy{Instance: "another"})
	await(t, "another session", func() bool {
		_, session := s.Attached()
		return session != 0 && kernel.at("poduid-a") != before
	})
}

// A sensor does not show its token to one who is not the agent.
func TestSensorsGoToTheirAgentAlone(t *testing.T) {
	kernel := &fakeKernel{attached: map[string]*fakePrograms{}}
	a := startAgent(t, kernel, twoPods(t))
	for _, tt := range []struct {
		name, want string
		prepare    func(folder string)
	}{
		{"one with another certificate", "x509", func(folder string) { bpftest.WriteCertificate(t, folder, probe.NodeAgentName) }},
		{"anybody, trusting nobody", "authorities", func(folder string) { os.WriteFile(filepath.Join(folder, "tls.crt"), nil, 0o600) }},
	} {
		other := *a
		other.folder = t.TempDir()
		tt.prepare(other.folder)
		s := other.start(t, "a", netip.MustParseAddrPort("10.0.0.1:80"))
		if said := <-s.logged; !strings.Contains(said, tt.want) {
			t.Errorf("%s: the sensor says %s", tt.name, said)
		}
		if _, session := s.Attached(); session != 0 || kernel.at("poduid-a") != nil {
			t.Errorf("%s: it has its connections counted", tt.name)
		}
		s.leave()
	}
}
