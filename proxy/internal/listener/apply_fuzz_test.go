package listener

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// fuzzedPorts are on an address that is this process's own.
var fuzzedPorts = []uint16{20001, 20002, 20003}

// processAddr returns a loopback address by the process's number, so that no two
// of them meet at a port.
func processAddr() netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 127<<24|1<<23|uint32(os.Getpid())&(1<<23-1))
	return netip.AddrFrom4(b)
}

// protocolsOf draws what a port speaks from three bits: nothing, HTTP, HTTP with
// PROXY protocol headers, TCP, TLS, UDP, and UDP beside HTTP or TCP.
func protocolsOf(bits byte) []proxyconfig.Protocol {
	switch bits & 7 {
	case 1, 2:
		return []proxyconfig.Protocol{proxyconfig.HTTP}
	case 3:
		return []proxyconfig.Protocol{proxyconfig.TCP}
	case 4:
		return []proxyconfig.Protocol{proxyconfig.TLS}
	case 5:
		return []proxyconfig.Protocol{proxyconfig.UDP}
	case 6:
		return []proxyconfig.Protocol{proxyconfig.UDP, proxyconfig.HTTP}
	case 7:
		return []proxyconfig.Protocol{proxyconfig.TCP, proxyconfig.UDP}
	}
	return nil
}

// fuzzedConfig has listeners by three bits of each port.
func fuzzedConfig(bits uint16) (*proxyconfig.Config, map[place]bool) {
	c, places := &proxyconfig.Config{}, map[place]bool{}
	for i, port := range fuzzedPorts {
		kind := byte(bits >> (3 * i) & 7)
		for j, protocol := range protocolsOf(kind) {
			l := proxyconfig.Listener{Name: fmt.Sprint("l", i, j), Port: int32(port), Protocol: protocol}
			if protocol == proxyconfig.TLS {
				l.TLSMode = proxyconfig.TLSPassthrough
			}
			if kind == 2 {
				l.ProxyProtocol = &proxyconfig.AcceptedProxyProtocol{TrustedSources: []string{"127.0.0.0/8"}}
			}
			c.Listeners = append(c.Listeners, l)
			places[place{port: port, udp: protocol == proxyconfig.UDP}] = true
		}
	}
	return c, places
}

// occupier has a port that is nobody's turn by turn.
type occupier struct {
	addr netip.AddrPort
	ln   net.Listener
}

func (o *occupier) turn() {
	if o.ln != nil {
		o.ln.Close()
		o.ln = nil
		return
	}
	// It may be the proxy's: then it stays so.
	o.ln, _ = net.Listen("tcp", o.addr.String())
}

// takes reports whether somebody accepts connections at an address. One that is
// reset at once, for there is no route, was accepted.
func takes(addr netip.AddrPort) bool {
	c, err := net.DialTimeout("tcp", addr.String(), 10*time.Second)
	if err == nil {
		c.Close()
	}
	return !errors.Is(err, syscall.ECONNREFUSED)
}

// FuzzApply applies any series of configurations, while somebody else takes a
// port and gives it back. The ports that are open are those of the last one, but
// for such as somebody else has, which are named, and are opened by and by.
func FuzzApply(f *testing.F) {
	f.Add(false, []byte("\x01\x00\x09\x00\x49\x00\x02\x00\x00\x00"))
	f.Add(true, []byte("\x05\x00\x06\x00\x07\x00\x03\x00\x04\x00"))
	f.Add(false, []byte("\x00\x80\xff\x01\x00\x80\xff\x01\x49\x00\x80\x01\x80\x00"))
	addr := processAddr()
	f.Fuzz(func(t *testing.T, goroutines bool, steps []byte) {
		if len(steps) > 24 {
			return
		}
		driver := Fastest
		if goroutines {
			driver = Goroutines
		}
		p := startAt(t, addr, driver)
		other := &occupier{addr: netip.AddrPortFrom(addr, fuzzedPorts[0])}
		defer func() {
			if other.ln != nil {
				other.ln.Close()
			}
		}()
		for ; len(steps) >= 2; steps = steps[2:] {
			if steps[1]&0x80 != 0 {
				other.turn()
			}
			config, places := fuzzedConfig(uint16(steps[0]) | uint16(steps[1])<<8)
			checkApplied(t, p, addr, other, config, places)
		}
		p.set.Close()
		for _, port := range fuzzedPorts[1:] {
			if takes(netip.AddrPortFrom(addr, port)) {
				t.Errorf("port %d is open behind the end", port)
			}
		}
	})
}

// startAt starts a proxy without ports on an address.
func startAt(t *testing.T, addr netip.Addr, d Driver) *proxy {
	p := &proxy{t: t, registry: balance.NewRegistry(balance.Options{})}
	var err error
	if p.set, err = New(Options{Loops: 1, Bind: addr, Snapshot: &p.current, Log: logr.Discard(), Driver: d}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.set.Close)
	return p
}

// applyAnyway is apply for what need not succeed.
func (p *proxy) applyAnyway(c *proxyconfig.Config) []PortError {
	s, _ := snapshot.Compile(snapshot.Input{Document: &proxyconfig.Document{}, Config: c, Registry: p.registry, Previous: p.current.Load()})
	p.current.Store(s)
	s.Commit()
	return p.set.Apply(s)
}

// checkApplied applies a configuration and tries the ports.
func checkApplied(t *testing.T, p *proxy, addr netip.Addr, other *occupier, config *proxyconfig.Config, places map[place]bool) {
	errs := p.applyAnyway(config)
	for _, err := range errs {
		if err.Port != fuzzedPorts[0] || err.UDP || other.ln == nil || !places[place{port: err.Port}] {
			t.Fatalf("%v", err)
		}
		delete(places, place{port: err.Port})
	}
	if len(p.set.ports) != len(places) {
		t.Fatalf("ports %v are open, want %v of %+v", p.set.ports, places, config.Listeners)
	}
	for at := range places {
		if p.set.ports[at] == nil || !at.udp && !takes(netip.AddrPortFrom(addr, at.port)) {
			t.Fatalf("%v is not open: ports %v", at, p.set.ports)
		}
	}
	for _, port := range fuzzedPorts {
		if at := (place{port: port}); !places[at] && (other.ln == nil || port != fuzzedPorts[0]) {
			eventually(t, func() bool { return !takes(netip.AddrPortFrom(addr, port)) })
		}
	}
}
