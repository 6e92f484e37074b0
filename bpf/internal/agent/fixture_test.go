package agent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
	"github.com/fleetgate/fleetgate/bpf/internal/node"
)

// issued are the tokens that the API server of a test has issued.
type issued map[string]Identity

// Review implements Reviewer.
func (i issued) Review(_ context.Context, token string) (Identity, error) {
	if token == "unsure" {
		return Identity{}, errors.New("the API server is away")
	}
	id, ok := i[token]
	if !ok {
		return Identity{}, ErrNotAuthenticated
	}
	return id, nil
}

// tokens are of two pods of the node and of one of another.
var tokens = issued{
	"a":      {Namespace: "shop", Pod: "a", UID: "uid-a", Node: "here"},
	"b":      {Namespace: "bank", Pod: "b", UID: "uid-b", Node: "here"},
	"remote": {Namespace: "shop", Pod: "c", UID: "uid-a", Node: "there"},
	"ghost":  {Namespace: "shop", Pod: "d", UID: "uid-d", Node: "here"},
}

// fakeKernel attaches nothing, and has one flow for each cgroup, whose
// identifier is the length of the cgroup's path.
type fakeKernel struct {
	mu       sync.Mutex
	attached map[string]*fakePrograms
}

// Attach implements Kernel.
func (k *fakeKernel) Attach(cgroup *os.File) (Programs, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.attached[cgroup.Name()] != nil {
		return nil, errors.New("what was loaded for the session before is still there")
	}
	p := &fakePrograms{kernel: k, cgroup: cgroup.Name()}
	k.attached[cgroup.Name()] = p
	return p, nil
}

func (k *fakeKernel) at(suffix string) *fakePrograms {
	k.mu.Lock()
	defer k.mu.Unlock()
	for path, p := range k.attached {
		if strings.HasSuffix(path, suffix) {
			return p
		}
	}
	return nil
}

type fakePrograms struct {
	kernel *fakeKernel
	cgroup string

	mu        sync.Mutex
	endpoints []probe.Endpoint
	cleared   []uint32
}

func (p *fakePrograms) Flows(fn func(bpf.L4FlowKey, *bpf.L4Flow)) error {
	fn(bpf.L4FlowKey{Id: uint32(len(filepath.Base(p.cgroup)))}, &bpf.L4Flow{Opened: 3})
	return nil
}
func (p *fakePrograms) Overflow() (uint64, error) { return 9, nil }
func (p *fakePrograms) SetEndpoints(e []probe.Endpoint) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endpoints = e
	return nil
}
func (p *fakePrograms) told() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.endpoints)
}
func (p *fakePrograms) Clear(backend func(uint32) bool) error {
	for id := range uint32(100) {
		if backend(id) {
			p.cleared = append(p.cleared, id)
		}
	}
	return nil
}
func (p *fakePrograms) Basic() bool           { return false }
func (p *fakePrograms) OptionsAttached() bool { return true }
func (p *fakePrograms) FactsAttached() bool   { return true }
func (p *fakePrograms) Close() error {
	p.kernel.mu.Lock()
	defer p.kernel.mu.Unlock()
	delete(p.kernel.attached, p.cgroup)
	return nil
}

// agentOf is an agent of the node "here", which who trusts its folder knows.
type agentOf struct {
	*Server
	address, folder string
	// stop ends it, and may be called more than once.
	stop func()
}

// startAgent runs an agent on a hierarchy of cgroups until the test ends.
func startAgent(t *testing.T, kernel Kernel, hierarchy string) *agentOf {
	t.Helper()
	folder := t.TempDir()
	bpftest.WriteCertificate(t, folder, probe.NodeAgentName)
	return startAgentAt(t, "127.0.0.1:0", folder, kernel, hierarchy)
}

func startAgentAt(t *testing.T, address, folder string, kernel Kernel, hierarchy string) *agentOf {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(ServerOptions{
		Node: "here", CgroupRoot: hierarchy, Certificate: NewCertificate(folder).Get,
		Reviewer: tokens, Kernel: kernel, Log: logr.Discard(),
	})
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error)
	go func() { served <- server.Serve(ctx, listener) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return &agentOf{server, listener.Addr().String(), folder, stop}
}

// twoPods makes a hierarchy with the cgroups of both pods, which are real ones, as
// no others are attached to.
func twoPods(t *testing.T) string {
	t.Helper()
	root, err := bpftest.NewCgroup(t)
	bpftest.Require(t, err)
	for _, name := range []string{"poduid-a", "kubepods-poduid_b.slice", "kubepods-poduid_b.slice/proxy"} {
		if err := os.Mkdir(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(filepath.Join(root, name)) })
	}
	return root
}

// dial connects as a stranger.
func (a *agentOf) dial(t *testing.T) *tls.Conn {
	t.Helper()
	trusted, err := os.ReadFile(filepath.Join(a.folder, "tls.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(trusted)
	conn, err := tls.Dial("tcp", a.address, &tls.Config{RootCAs: pool, ServerName: probe.NodeAgentName, NextProtos: []string{node.Protocol}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return conn
}

// greet says hello and returns the answer.
func greet(t *testing.T, conn *tls.Conn, hello node.Hello) (node.Kind, string) {
	t.Helper()
	hello.Version = node.Version
	if err := node.WriteMessage(conn, node.KindHello, hello); err != nil {
		t.Fatal(err)
	}
	return answer(t, conn)
}

func answer(t *testing.T, conn *tls.Conn) (node.Kind, string) {
	t.Helper()
	kind, payload, err := node.Read(conn, node.MaxFrame)
	if err != nil {
		t.Fatalf("waiting for an answer: %v", err)
	}
	return kind, string(payload)
}
