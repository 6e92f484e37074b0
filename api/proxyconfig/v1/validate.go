package proxyconfig

import (
	"fmt"
	"net/netip"
)

// Validate returns every item of c that a proxy would refuse, in the order of
// c. The other items are served: one bad item never spoils another.
func Validate(c *Config) []RefusedItem {
	var refused []RefusedItem
	refuse := func(item RefusedItem) { refused = append(refused, item) }
	for _, l := range ValidListeners(c, refuse) {
		for _, err := range []error{ValidateListenerTLS(l.TLS), ValidateListenerFilters(l.Filters)} {
			if err != nil {
				refuse(RefusedItem{Kind: KindListener, Name: l.Name, Reason: err.Error()})
			}
		}
	}
	for _, r := range ValidRoutes(c, refuse) {
		for i := range r.Rules {
			if err := ValidateRouteRule(r, &r.Rules[i]); err != nil {
				refuse(RefusedItem{Kind: KindRule, Name: r.ID(), RouteKind: r.Kind, Rule: i, Reason: err.Error()})
			}
		}
	}
	for _, b := range ValidBackends(c, refuse) {
		if err := ValidateBackendTLS(b.TLS); err != nil {
			refuse(RefusedItem{Kind: KindBackend, Name: b.ID, Reason: err.Error()})
		}
		for i := range b.Endpoints {
			if _, err := b.Endpoints[i].AddrPort(); err != nil {
				refuse(RefusedItem{Kind: KindBackend, Name: b.ID, Reason: err.Error()})
			}
		}
	}
	if err := ValidateTracing(c.Tracing); err != nil {
		refuse(RefusedItem{Kind: KindTracing, Name: c.Tracing.ServiceName, Reason: err.Error()})
	}
	ValidSettings(c, refuse)
	return refused
}

// ValidListeners returns the listeners that can be served and hands the others
// to refuse. Of two that clash the first stays.
func ValidListeners(c *Config, refuse func(RefusedItem)) []*Listener {
	type socket struct {
		port int32
		udp  bool
	}
	type place struct {
		socket
		hostname string
	}
	var valid []*Listener
	names := map[string]bool{}
	places := map[place]string{}
	uses := map[socket]portUse{}
	check := func(l *Listener) error {
		if err := ValidateListener(l); err != nil {
			return err
		}
		if names[l.Name] {
			return fmt.Errorf("another listener has the same name")
		}
		at := place{socket{l.Port, l.Protocol == UDP}, l.Hostname}
		if other, ok := places[at]; ok {
			return fmt.Errorf("listener %q has the same port and hostname", other)
		}
		if use, ok := uses[at.socket]; ok {
			if err := use.sharePort(l); err != nil {
				return err
			}
		}
		names[l.Name], places[at] = true, l.Name
		uses[at.socket] = portUse{l.Protocol, proxied(l)}
		return nil
	}
	for l := range c.ListenerPieces().All() {
		if err := check(l); err != nil {
			refuse(RefusedItem{Kind: KindListener, Name: l.Name, Reason: err.Error()})
			continue
		}
		valid = append(valid, l)
	}
	return valid
}

// ValidRoutes returns the routes whose frame is sound and hands the others to
// refuse. It does not look into their rules: see ValidateRouteRule.
func ValidRoutes(c *Config, refuse func(RefusedItem)) []*Route {
	type identity struct{ kind, namespace, name string }
	routes := c.RoutePieces()
	valid := make([]*Route, 0, routes.Len())
	seen := make(map[identity]bool, routes.Len())
	for r := range routes.All() {
		id := identity{r.Kind, r.Namespace, r.Name}
		err := ValidateRoute(r)
		if err == nil && seen[id] {
			err = fmt.Errorf("the route is there twice")
		}
		if err != nil {
			refuse(RefusedItem{Kind: KindRoute, Name: r.ID(), RouteKind: r.Kind, Reason: err.Error()})
			continue
		}
		seen[id] = true
		valid = append(valid, r)
	}
	return valid
}

// ValidBackends returns the backends that can be used and hands the others to
// refuse. It does not look at their endpoints: see Endpoint.AddrPort.
func ValidBackends(c *Config, refuse func(RefusedItem)) []*Backend {
	backends := c.BackendPieces()
	valid := make([]*Backend, 0, backends.Len())
	seen := make(map[string]bool, backends.Len())
	for b := range backends.All() {
		err := ValidateBackend(b)
		if err == nil && seen[b.ID] {
			err = fmt.Errorf("the backend is there twice")
		}
		if err != nil {
			refuse(RefusedItem{Kind: KindBackend, Name: b.ID, Reason: err.Error()})
			continue
		}
		seen[b.ID] = true
		valid = append(valid, b)
	}
	return valid
}

// ID is the "namespace/name" that names the route in reports and metrics.
func (r *Route) ID() string { return r.Namespace + "/" + r.Name }

// AddrPort is the endpoint's address, without an IPv4-in-IPv6 form.
func (e *Endpoint) AddrPort() (netip.AddrPort, error) {
	addr, err := netip.ParseAddr(e.Address)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("endpoint address %q: %w", e.Address, err)
	}
	if err := validatePort(e.Port); err != nil {
		return netip.AddrPort{}, fmt.Errorf("endpoint %q: %w", e.Address, err)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(e.Port)), nil
}

// ValidateBackend returns why a backend cannot be used. It does not look at its
// endpoints: see Endpoint.AddrPort.
func ValidateBackend(b *Backend) error {
	if b.ID == "" {
		return fmt.Errorf("the backend has no ID")
	}
	switch b.Protocol {
	case BackendHTTP1, BackendHTTP2, BackendTCP, BackendUDP:
	default:
		return fmt.Errorf("unknown backend protocol %q", b.Protocol)
	}
	if b.TLS != nil && b.Protocol == BackendUDP {
		return fmt.Errorf("a backend of protocol %q has no TLS", BackendUDP)
	}
	if err := validateSentProxy(b); err != nil {
		return err
	}
	if err := validateExternal(b); err != nil {
		return err
	}
	if err := validatePort(b.Port); err != nil {
		return err
	}
	return ValidatePolicy(b.Policy)
}

func validatePort(port int32) error {
	if port < 1 || port > 65535 {
		return fmt.Errorf("port %d is not in 1..65535", port)
	}
	return nil
}
