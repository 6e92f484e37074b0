package load

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
)

// L4 is the programs that count connections, loaded. At most one cgroup is
// attached at a time. It is not safe for concurrent use, but for the reading
// methods, which may overlap with any other than Close.
type L4 struct {
	all   *ebpf.Collection
	basic bool

	sockets, options, facts    *ebpf.Program
	flows, endpoints, overflow *ebpf.Map

	socketsLink, optionsLink, factsLink link.Link
	// live is nil where the kernel does not let its sockets be walked.
	live *link.Iter

	known map[bpf.L4Endpoint]uint32
}

// L4Options say what is loaded. The zero value is for the own pod.
type L4Options struct {
	// Flows and Endpoints bound what is told apart; zero stands for what the
	// programs say.
	Flows, Endpoints uint32
	// Elsewhere says that the cgroup's sockets are not in the caller's network
	// namespace, so that open connections cannot be looked at.
	Elsewhere bool
}

// LoadL4 loads the programs for the own pod.
func LoadL4() (*L4, error) { return LoadL4With(L4Options{}) }

// LoadL4With loads the programs. They need CAP_BPF and CAP_NET_ADMIN; with BTF
// and CAP_PERFMON they tell reasons of failures and resets, and what has gone
// over open connections, as well.
func LoadL4With(o L4Options) (*L4, error) {
	forms := [][]string{
		{"socket_events_basic"}, {"socket_events_basic", "live_sockets"}, {"socket_events", "live_sockets"},
	}
	if o.Elsewhere {
		forms = forms[1:]
	}
	var all *ebpf.Collection
	var errs []error
	for _, without := range forms {
		var err error
		if all, err = loadL4(o, without...); err == nil {
			break
		}
		errs = append(errs, err)
	}
	if all == nil {
		return nil, errors.Join(errs...)
	}
	basic := all.Programs["socket_events"] == nil
	l := &L4{
		all:       all,
		basic:     basic,
		sockets:   all.Programs["socket_events"],
		options:   all.Programs["first_option"],
		facts:     all.Programs["tell"],
		flows:     all.Maps["flows"],
		endpoints: all.Maps["endpoints"],
		overflow:  all.Maps["overflows"],
		known:     map[bpf.L4Endpoint]uint32{},
	}
	if basic {
		l.sockets = all.Programs["socket_events_basic"]
	}
	l.walk(all.Programs["live_sockets"])
	if err := l.Reset(); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// walk attaches the program that looks at open connections, if there is one.
func (l *L4) walk(program *ebpf.Program) {
	if program == nil {
		return
	}
	// What the kernel refuses here is told by Walks.
	if it, err := link.AttachIter(link.IterOptions{Program: program}); err == nil {
		l.live = it
	}
}

// Walks says whether Settle looks at open connections.
func (l *L4) Walks() bool { return l.live != nil }

// Settle adds what has gone over open connections of the caller's network
// namespace to their flows. It takes time for each socket there.
func (l *L4) Settle() error {
	if l.live == nil {
		return nil
	}
	walk, err := l.live.Open()
	if err != nil {
		return fmt.Errorf("looking at open connections: %w", err)
	}
	defer walk.Close()
	if _, err := io.Copy(io.Discard, walk); err != nil {
		return fmt.Errorf("looking at open connections: %w", err)
	}
	return nil
}

func loadL4(o L4Options, without ...string) (*ebpf.Collection, error) {
	spec, err := bpf.LoadL4()
	if err != nil {
		return nil, fmt.Errorf("reading the connection programs: %w", err)
	}
	for name, most := range map[string]uint32{"flows": o.Flows, "endpoints": o.Endpoints} {
		if most != 0 {
			spec.Maps[name].MaxEntries = most
		}
	}
	for _, name := range without {
		delete(spec.Programs, name)
	}
	all, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("loading the connection programs: %w", err)
	}
	return all, nil
}

// Basic says that reasons of failures and resets are not told.
func (l *L4) Basic() bool { return l.basic }

// Attach counts the connections of the cgroup and those below it, in place of
// those of the one before. The directory is not needed afterwards. Connections
// that are open already are not seen.
func (l *L4) Attach(dir *os.File) error {
	if err := l.Detach(); err != nil {
		return err
	}
	var err error
	l.socketsLink, err = link.AttachRawLink(link.RawLinkOptions{
		Target: int(dir.Fd()), Program: l.sockets, Attach: ebpf.AttachCGroupSockOps,
	})
	if err != nil {
		l.socketsLink = nil
		return fmt.Errorf("attaching to the cgroup's sockets: %w", err)
	}
	l.optionsLink, err = link.AttachRawLink(link.RawLinkOptions{
		Target: int(dir.Fd()), Program: l.options, Attach: ebpf.AttachCGroupSetsockopt,
	})
	if err != nil {
		l.optionsLink = nil
		return fmt.Errorf("attaching to the cgroup's socket options: %w", err)
	}
	l.factsLink, err = link.AttachRawLink(link.RawLinkOptions{
		Target: int(dir.Fd()), Program: l.facts, Attach: ebpf.AttachCGroupGetsockopt,
	})
	if err != nil {
		l.factsLink = nil
		return fmt.Errorf("answering the proxy's questions about its sockets: %w", err)
	}
	return nil
}

// SocketsAttached says whether connections are counted.
func (l *L4) SocketsAttached() bool { return l.socketsLink != nil }

// OptionsAttached says whether the time to accept is measured.
func (l *L4) OptionsAttached() bool { return l.optionsLink != nil }

// FactsAttached says whether the proxy can ask about its sockets.
func (l *L4) FactsAttached() bool { return l.factsLink != nil }

// Detach ends the counting; what was counted stays.
func (l *L4) Detach() error {
	var errs []error
	for _, attached := range []*link.Link{&l.socketsLink, &l.optionsLink, &l.factsLink} {
		if *attached != nil {
			errs = append(errs, (*attached).Close())
			*attached = nil
		}
	}
	return errors.Join(errs...)
}

// Close detaches and frees the maps.
func (l *L4) Close() error {
	err := l.Detach()
	if l.live != nil {
		err = errors.Join(err, l.live.Close())
	}
	l.all.Close()
	return err
}

// Flows calls fn for each flow. The flow is valid only during the call.
func (l *L4) Flows(fn func(bpf.L4FlowKey, *bpf.L4Flow)) error {
	return each(l.flows, flowsAtOnce, func(k *bpf.L4FlowKey, f *bpf.L4Flow) { fn(*k, f) })
}

// Overflow returns how many events found no room for a flow of their own.
func (l *L4) Overflow() (uint64, error) {
	var n uint64
	if err := l.overflow.Lookup(uint32(0), &n); err != nil {
		return 0, fmt.Errorf("reading overflow: %w", err)
	}
	return n, nil
}

// Clear forgets the backends that gone says are no more.
func (l *L4) Clear(backend func(id uint32) bool) error {
	return remove[bpf.L4Flow](l.flows, flowsAtOnce, func(k bpf.L4FlowKey) bool {
		return k.Side == uint32(bpf.L4SideSIDE_UPSTREAM) && k.Id != 0 && backend(k.Id)
	})
}

// Reset forgets everything that was counted.
func (l *L4) Reset() error {
	if err := remove[bpf.L4Flow](l.flows, flowsAtOnce, func(bpf.L4FlowKey) bool { return true }); err != nil {
		return err
	}
	return errors.Join(
		l.overflow.Put(uint32(0), uint64(0)),
		// The entries that take what finds the map full must be there before.
		l.flows.Put(bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_DOWNSTREAM)}, &bpf.L4Flow{}),
		l.flows.Put(bpf.L4FlowKey{Side: uint32(bpf.L4SideSIDE_UPSTREAM)}, &bpf.L4Flow{}),
	)
}

// SetEndpoints says which backends addresses belong to; other addresses belong
// to none. What does not fit is left out and said.
func (l *L4) SetEndpoints(endpoints []probe.Endpoint) error {
	want := make(map[bpf.L4Endpoint]uint32, len(endpoints))
	for _, e := range endpoints {
		want[endpointKey(e.Address)] = e.Backend
	}
	var errs []error
	for k := range l.known {
		if _, ok := want[k]; ok {
			continue
		}
		if err := l.endpoints.Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			errs = append(errs, fmt.Errorf("removing an endpoint: %w", err))
		}
		delete(l.known, k)
	}
	for k, backend := range want {
		if was, ok := l.known[k]; ok && was == backend {
			continue
		}
		if err := l.endpoints.Put(k, backend); err != nil {
			errs = append(errs, fmt.Errorf("adding endpoints: %w", err))
			break
		}
		l.known[k] = backend
	}
	return errors.Join(errs...)
}

// endpointKey writes an address as the program does: both numbers in network
// byte order, IPv4 as a mapped IPv6 address.
func endpointKey(a netip.AddrPort) bpf.L4Endpoint {
	var k bpf.L4Endpoint
	bytes := a.Addr().As16()
	for i := range k.Addr {
		k.Addr[i] = binary.NativeEndian.Uint32(bytes[4*i:])
	}
	var port [2]byte
	binary.BigEndian.PutUint16(port[:], a.Port())
	k.Port = binary.NativeEndian.Uint16(port[:])
	return k
}
