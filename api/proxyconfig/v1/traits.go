package proxyconfig

// Traits are what a configuration has that decides on its Features. Those of a whole are
// those of its pieces together: who knows the pieces need not look at all items again
// where some of them have changed.
type Traits uint16

const (
	hasListeners Traits = 1 << iota
	hasTLSOptions
	hasProxyProtocol
	// hasConnections is a route below HTTP, and hasSecured a backend with TLS.
	hasConnections
	hasSecured
	hasWritten
	hasSessions
	hasFilters
	hasExternal
)

// TraitsOf returns the traits of c, or of a piece of one.
func TraitsOf(c *Config) Traits {
	var t Traits
	for i := range c.Listeners {
		t |= c.Listeners[i].traits()
	}
	for i := range c.Routes {
		t |= c.Routes[i].traits()
	}
	for i := range c.Backends {
		t |= c.Backends[i].traits()
	}
	return t
}

func (l *Listener) traits() Traits {
	return hasListeners | hasTLSOptions.where(l.TLS != nil) | hasProxyProtocol.where(l.ProxyProtocol != nil) | hasFilters.where(l.Filters != nil)
}

func (r *Route) traits() Traits {
	written := contains(r.Attachments, func(a *Attachment) bool { return len(a.Written) > 0 })
	return hasConnections.where(r.IsL4()) | hasWritten.where(written) | hasSessions.where(r.persists())
}

func (b *Backend) traits() Traits {
	return (hasTLSOptions | hasSecured).where(b.TLS != nil) | hasProxyProtocol.where(b.ProxyProtocol != "") | hasExternal.where(b.External != nil)
}

func (t Traits) where(holds bool) Traits {
	if holds {
		return t
	}
	return 0
}

// has says whether all of others are there.
func (t Traits) has(others Traits) bool { return t&others == others }
