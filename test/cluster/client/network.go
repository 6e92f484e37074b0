package client

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// DialContext opens a connection inside the cluster's network. Names are
// resolved by the cluster's DNS, so that Services have the names that pods
// know them by.
func (c *Cluster) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("dialling: %w", err)
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return c.dialIP(ctx, network, address)
	}
	addresses, err := c.Resolver().LookupHost(ctx, absolute(name))
	if err != nil {
		return nil, fmt.Errorf("dialling %s: %w", address, err)
	}
	var conn net.Conn
	for _, a := range addresses {
		if conn, err = c.dialIP(ctx, network, net.JoinHostPort(a, port)); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// dialIP must get a literal address: for a name, the net package makes its
// sockets on threads of its own choice.
func (c *Cluster) dialIP(ctx context.Context, network, address string) (conn net.Conn, err error) {
	err = c.host.InNetwork(func() error {
		var d net.Dialer
		conn, err = d.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Resolver asks the cluster's DNS.
func (c *Cluster) Resolver() *net.Resolver {
	return &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return c.dialIP(ctx, network, net.JoinHostPort(layout.DNSIP, "53"))
		},
	}
}

// absolute ends a name with a dot, as the search list of this machine is not
// that of a pod.
func absolute(name string) string {
	if strings.HasSuffix(name, ".svc") {
		name += "." + layout.ClusterDomain
	}
	return strings.TrimSuffix(name, ".") + "."
}

// Listen listens inside the cluster's network. At NodeIP, pods can reach it.
func (c *Cluster) Listen(ctx context.Context, network, address string) (l net.Listener, err error) {
	err = c.host.InNetwork(func() error {
		var lc net.ListenConfig
		l, err = lc.Listen(ctx, network, address)
		return err
	})
	return l, err
}

// ListenPacket is Listen for datagrams.
func (c *Cluster) ListenPacket(ctx context.Context, network, address string) (p net.PacketConn, err error) {
	err = c.host.InNetwork(func() error {
		var lc net.ListenConfig
		p, err = lc.ListenPacket(ctx, network, address)
		return err
	})
	return p, err
}

// Transport returns a new HTTP transport whose connections are inside the
// cluster's network. It follows no proxy settings. The caller may change it
// before its first use.
func (c *Cluster) Transport() *http.Transport {
	return &http.Transport{
		DialContext:           c.DialContext,
		MaxIdleConnsPerHost:   256,
		IdleConnTimeout:       30 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
	}
}

// HTTPClient returns a new client that follows no redirects, so that tests
// see them.
func (c *Cluster) HTTPClient() *http.Client {
	return &http.Client{
		Transport:     c.Transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// InNetwork runs f on a thread in the cluster's network namespace. Sockets
// that f makes stay in there; goroutines that f starts do not run in it.
func (c *Cluster) InNetwork(f func() error) error { return c.host.InNetwork(f) }
