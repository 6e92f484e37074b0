package agent

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf/internal/node"
)

func TestEachSensorGetsTheNumbersOfItsOwnPodAlone(t *testing.T) {
	kernel := &fakeKernel{attached: map[string]*fakePrograms{}}
	a := startAgent(t, kernel, twoPods(t))
	for _, tt := range []struct {
		token string
		// path is what the sensor says of where it is.
		path, cgroup string
	}{
		{"a", "", "poduid-a"},
		{"b", "", "kubepods-poduid_b.slice"},
	} {
		conn := a.dial(t)
		if kind, text := greet(t, conn, node.Hello{Token: tt.token, CgroupPath: tt.path}); kind != node.KindWelcome {
			t.Fatalf("%s: got %d %s", tt.token, kind, text)
		}
		if err := node.Write(conn, node.KindRead, nil); err != nil {
			t.Fatal(err)
		}
		kind, payload := answer(t, conn)
		key, flow, err := node.DecodeFlow([]byte(payload))
		if kind != node.KindFlow || err != nil || key.Id != uint32(len(tt.cgroup)) || flow.Opened != 3 {
			t.Errorf("%s: got %d of flow %+v, error %v", tt.token, kind, key, err)
		}
		if kind, text := answer(t, conn); kind != node.KindDone || text != `{"overflow":9}` {
			t.Errorf("%s: got %d %s", tt.token, kind, text)
		}
	}
}

// What a sensor says of its cgroup chooses within its own pod, and nowhere else.
func TestASensorChoosesACgroupOfItsOwnPodAlone(t *testing.T) {
	root := twoPods(t)
	info, err := os.Stat(filepath.Join(root, "kubepods-poduid_b.slice", "proxy"))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, token, path string
		id                uint64
		want              string
	}{
		{"its own by path", "b", "/kubepods-poduid_b.slice/proxy", 0, "kubepods-poduid_b.slice/proxy"},
		{"its own by identifier", "b", "/", inode(info), "kubepods-poduid_b.slice/proxy"},
		{"another pod's by path", "a", "/kubepods-poduid_b.slice/proxy", 0, "poduid-a"},
		{"another pod's by a detour", "a", "/poduid-a/../kubepods-poduid_b.slice", 0, "poduid-a"},
		{"another pod's by identifier", "a", "", inode(info), "poduid-a"},
	} {
		kernel := &fakeKernel{attached: map[string]*fakePrograms{}}
		a := startAgent(t, kernel, root)
		conn := a.dial(t)
		if kind, text := greet(t, conn, node.Hello{Token: tt.token, CgroupPath: tt.path, Cgroup: tt.id}); kind != node.KindWelcome {
			t.Fatalf("%s: got %d %s", tt.name, kind, text)
		}
		if kernel.at("/"+tt.want) == nil {
			t.Errorf("%s: attached to %v, want %s", tt.name, kernel.attached, tt.want)
		}
	}
}

func TestStrangersAreRefused(t *testing.T) {
	root := twoPods(t)
	for _, tt := range []struct {
		name, token, path, want string
	}{
		{"without a token", "", "", refusedToken.text},
		{"with a token of their own making", "a.b.c", "", refusedToken.text},
		{"with one of a pod of another node", "remote", "", refusedNode.text},
		{"with one of a pod that has no cgroup", "ghost", "/poduid-a", refusedCgroup.text},
		{"while the API server is away", "unsure", "", refusedReview.text},
	} {
		kernel := &fakeKernel{attached: map[string]*fakePrograms{}}
		a := startAgent(t, kernel, root)
		conn := a.dial(t)
		kind, text := greet(t, conn, node.Hello{Token: tt.token, CgroupPath: tt.path})
		if kind != node.KindRefusal || !strings.Contains(text, tt.want) {
			t.Errorf("%s: got %d %s, want %q", tt.name, kind, text, tt.want)
		}
		if len(kernel.attached) > 0 {
			t.Errorf("%s: something is attached: %v", tt.name, kernel.attached)
		}
	}
}

func TestAGreetingThatIsTooLargeIsNotRead(t *testing.T) {
	a := startAgent(t, &fakeKernel{}, t.TempDir())
	conn := a.dial(t)
	size := node.MaxHello + 1
	if _, err := conn.Write([]byte{byte(node.KindHello), 0, byte(size >> 16), byte(size >> 8), byte(size)}); err != nil {
		t.Fatal(err)
	}
	if kind, text := answer(t, conn); kind != node.KindRefusal || !strings.Contains(text, refusedMalformed.text) {
		t.Errorf("got %d %s", kind, text)
	}
}

func TestASensorThatComesAgainTakesItsOwnPlace(t *testing.T) {
	kernel := &fakeKernel{attached: map[string]*fakePrograms{}}
	a := startAgent(t, kernel, twoPods(t))
	first, second := a.dial(t), a.dial(t)
	for _, conn := range []*tls.Conn{first, second} {
		if kind, text := greet(t, conn, node.Hello{Token: "a"}); kind != node.KindWelcome {
			t.Fatalf("got %d %s", kind, text)
		}
	}
	if _, _, err := node.Read(first, node.MaxFrame); err == nil {
		t.Error("the first session goes on")
	}
	second.Close()
	for deadline := time.Now().Add(10 * time.Second); kernel.at("poduid-a") != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the programs are still there without a session")
		}
	}
}

func TestRequestsBeyondTheBoundsEndTheSession(t *testing.T) {
	root := twoPods(t)
	part := make([]probe.Endpoint, node.EndpointsPerFrame)
	for i := range part {
		part[i] = probe.Endpoint{Address: netip.AddrPortFrom(netip.MustParseAddr("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), 65535), Backend: 1 << 31}
	}
	for _, tt := range []struct {
		name string
		send func(io.Writer) error
	}{
		{"of no kind", func(w io.Writer) error { return node.Write(w, 63, nil) }},
		{"that is no JSON", func(w io.Writer) error { return node.Write(w, node.KindForget, []byte("[")) }},
		{"of more than a frame holds", func(w io.Writer) error {
			_, err := w.Write([]byte{byte(node.KindEndpoints), 0xff, 0, 0, 0})
			return err
		}},
		{"with endpoints without end", func(w io.Writer) error {
			for range node.MaxEndpoints/node.EndpointsPerFrame + 1 {
				if err := node.WriteMessage(w, node.KindEndpoints, node.Endpoints{Endpoints: part}); err != nil {
					return err
				}
			}
			return nil
		}},
	} {
		kernel := &fakeKernel{attached: map[string]*fakePrograms{}}
		a := startAgent(t, kernel, root)
		conn := a.dial(t)
		if kind, text := greet(t, conn, node.Hello{Token: "a"}); kind != node.KindWelcome {
			t.Fatalf("%s: got %d %s", tt.name, kind, text)
		}
		// It may be refused before all of it is written.
		sent := make(chan error, 1)
		go func() { sent <- tt.send(conn) }()
		var err error
		for err == nil {
			_, _, err = node.Read(conn, node.MaxFrame)
		}
		var late net.Error
		if errors.As(err, &late) && late.Timeout() {
			t.Errorf("%s: the session goes on", tt.name)
		}
		conn.Close()
		<-sent
	}
}

func TestRequestsReachThePrograms(t *testing.T) {
	kernel := &fakeKernel{attached: map[string]*fakePrograms{}}
	a := startAgent(t, kernel, twoPods(t))
	conn := a.dial(t)
	if kind, text := greet(t, conn, node.Hello{Token: "a"}); kind != node.KindWelcome {
		t.Fatalf("got %d %s", kind, text)
	}
	endpoint := func(n byte) probe.Endpoint {
		return probe.Endpoint{Address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, n}), 80), Backend: uint32(n)}
	}
	for i, message := range []any{
		node.Endpoints{Endpoints: []probe.Endpoint{endpoint(1)}},
		node.Endpoints{Endpoints: []probe.Endpoint{endpoint(2)}, Last: true},
		node.Forget{Backends: []uint32{7, 8}},
	} {
		kind := node.KindEndpoints
		if i == 2 {
			kind = node.KindForget
		}
		if err := node.WriteMessage(conn, kind, message); err != nil {
			t.Fatal(err)
		}
		if kind, text := answer(t, conn); kind != node.KindDone || text != "{}" {
			t.Errorf("%+v: got %d %s", message, kind, text)
		}
	}
	p := kernel.at("poduid-a")
	if fmt.Sprint(p.endpoints) != fmt.Sprint([]probe.Endpoint{endpoint(1), endpoint(2)}) || fmt.Sprint(p.cleared) != "[7 8]" {
		t.Errorf("the programs know %v, and have forgotten %v", p.endpoints, p.cleared)
	}
}

// inode is the identifier of a cgroup.
func inode(info os.FileInfo) uint64 { return info.Sys().(*syscall.Stat_t).Ino }
