package snapshot

import (
	"cmp"
	"crypto/tls"
	"reflect"
	"slices"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// frame is what is compiled of the listeners of a configuration, without their routes.
// It is immutable, and snapshots between which nothing of it changed share one.
type frame struct {
	// listeners are the sound ones, by name.
	listeners map[string]*boundListener
	// ports are the listeners of each TCP port, as configured, by its number; udp are
	// those of UDP by theirs.
	ports    [][]*boundListener
	udp      []*boundListener
	tickets  map[ticketScope]*tls.Config
	expiries []Expiry
	refused  []proxyconfig.RefusedItem
}

// boundListener is a listener that routes are attached to.
type boundListener struct {
	source *proxyconfig.Listener
	label  *Listener
	tls    *listenerTLS
}

// label returns nil for a listener that was refused or that does not exist: that has
// been named already, or is the operator's to name.
func (f *frame) label(listener string) *Listener {
	if l, ok := f.listeners[listener]; ok {
		return l.label
	}
	return nil
}

// has says whether a label is that of one of the listeners.
func (f *frame) has(label *Listener) bool { return f.label(label.Name) == label }

// extends says whether the frame has all listeners of another one, and routes find those
// as they were. There may be others beside them.
func (f *frame) extends(o *frame) bool {
	for name, was := range o.listeners {
		l := f.listeners[name]
		if l == nil || l.label != was.label || l.source.Protocol != was.source.Protocol || l.source.TLSMode != was.source.TLSMode {
			return false
		}
	}
	return true
}

// compileFrame takes the frame over from the snapshot before where it is of the same.
func (c *compiler) compileFrame() {
	now := c.in.Config.ListenerPieces()
	if p := c.in.Previous; p != nil && c.sameCertificates && now.Same(p.Config.ListenerPieces()) {
		c.out.frame = p.frame
	} else {
		c.out.frame = c.newFrame()
	}
	c.refused = append(c.refused, c.out.frame.refused...)
	c.out.Expiries = c.out.frame.expiries
}

func (c *compiler) newFrame() *frame {
	f := &frame{listeners: map[string]*boundListener{}, tickets: map[ticketScope]*tls.Config{}}
	valid := proxyconfig.ValidListeners(c.in.Config, f.refuse)
	for _, l := range valid {
		bound := &boundListener{source: l, label: c.label(l)}
		if endsTLS(l) {
			bound.tls = c.compileListenerTLS(f, l)
			bound.tls.label = bound.label
		}
		f.listeners[l.Name] = bound
		f.order(bound)
	}
	slices.SortFunc(f.ports, func(a, b []*boundListener) int { return cmp.Compare(a[0].label.Port, b[0].label.Port) })
	slices.SortFunc(f.udp, func(a, b *boundListener) int { return cmp.Compare(a.label.Port, b.label.Port) })
	return f
}

// endsTLS says whether the TLS of a listener's clients ends in the proxy.
func endsTLS(l *proxyconfig.Listener) bool {
	return l.Protocol == proxyconfig.HTTPS || l.TLSMode == proxyconfig.TLSTerminate
}

// order puts a listener to the others of its port.
func (f *frame) order(l *boundListener) {
	if l.source.Protocol == proxyconfig.UDP {
		f.udp = append(f.udp, l)
		return
	}
	at := slices.IndexFunc(f.ports, func(others []*boundListener) bool { return others[0].label.Port == l.label.Port })
	if at < 0 {
		f.ports = append(f.ports, []*boundListener{l})
		return
	}
	f.ports[at] = append(f.ports[at], l)
}

func (f *frame) refuse(item proxyconfig.RefusedItem) { f.refused = append(f.refused, item) }

// label takes a listener over from the snapshot before where it is the same.
func (c *compiler) label(l *proxyconfig.Listener) *Listener {
	label := newListener(l)
	label.Number = c.out.listeners.id(l.Name)
	if endsTLS(l) {
		label.Handshakes = c.out.series.id(Series{Listener: l.Name, Route: RouteID{Kind: probe.KindHandshakes}})
	}
	if c.in.Previous != nil {
		if old := c.in.Previous.frame.label(l.Name); old != nil && *old == *label {
			label = old
		}
	}
	return label
}

// sameCertificates says whether two sources of certificates are one.
func sameCertificates(a, b Certificates) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return reflect.TypeOf(a).Comparable() && a == b
}
