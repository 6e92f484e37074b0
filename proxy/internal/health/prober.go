package health

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

const (
	// connectTimeout bounds the probe of an endpoint that has no check.
	connectTimeout = 2 * time.Second
	userAgent      = "fleetgate-health"
	// maxHeaderBytes and maxBodyBytes bound what a hostile endpoint makes the
	// proxy hold.
	maxHeaderBytes = 64 << 10
	maxBodyBytes   = 64 << 10
)

// prober runs one probe. It is safe for concurrent use.
type prober struct {
	permit func(netip.Addr) error
	dial   func(ctx context.Context, addr netip.AddrPort) (net.Conn, error)
	// header is what each connection begins with; it may be empty.
	header []byte
}

// probe returns nil when the endpoint is well. A nil check opens a connection,
// and so does a check of type TCP.
func (p *prober) probe(ctx context.Context, addr netip.AddrPort, check *balance.Check) error {
	if check == nil {
		check = &balance.Check{Type: proxyconfig.CheckTCP, Timeout: connectTimeout}
	}
	if check.Port != 0 {
		addr = netip.AddrPortFrom(addr.Addr(), check.Port)
	}
	ctx, cancel := context.WithTimeout(ctx, check.Timeout)
	defer cancel()
	switch check.Type {
	case proxyconfig.CheckHTTP:
		return p.http(ctx, addr, check)
	case proxyconfig.CheckGRPC:
		return p.grpc(ctx, addr, check)
	}
	conn, err := p.connect(ctx, addr)
	if err != nil {
		return err
	}
	return conn.Close()
}

// connect dials an address if it is permitted, and sends the header.
func (p *prober) connect(ctx context.Context, addr netip.AddrPort) (net.Conn, error) {
	if err := p.permit(addr.Addr()); err != nil {
		return nil, err
	}
	conn, err := p.dial(ctx, addr)
	if err != nil || len(p.header) == 0 {
		return conn, err
	}
	if _, err := conn.Write(p.header); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// transport is for one request: it dials addr whatever the URL says. RoundTrip
// follows no redirect, so that an endpoint cannot lead a check elsewhere.
func (p *prober) transport(addr netip.AddrPort) *http.Transport {
	return &http.Transport{
		DialContext:            func(ctx context.Context, _, _ string) (net.Conn, error) { return p.connect(ctx, addr) },
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}
}

func (p *prober) http(ctx context.Context, addr netip.AddrPort, check *balance.Check) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr.String()+check.Path, nil)
	if err != nil {
		return err
	}
	request.Host = check.Host
	request.Header.Set("User-Agent", userAgent)
	t := p.transport(addr)
	defer t.CloseIdleConnections()
	response, err := t.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	for _, s := range check.Statuses {
		if s.First <= response.StatusCode && response.StatusCode <= s.Last {
			return nil
		}
	}
	return fmt.Errorf("status %d is not among those expected", response.StatusCode)
}
