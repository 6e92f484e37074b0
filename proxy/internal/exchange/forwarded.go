package exchange

import (
	"net/netip"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

var (
	forwardedFor   = []byte("X-Forwarded-For")
	forwardedProto = []byte("X-Forwarded-Proto")
	forwardedHost  = []byte("X-Forwarded-Host")
)

// appendForwarded says who the client is. What the request says of that itself
// is believed where trusted hops stand before this proxy, and else dropped.
func (x *exchange) appendForwarded(out []byte, r *h1.Request, edits h1.Dropper) []byte {
	if !edits.Drops(forwardedFor) {
		out = append(out, "X-Forwarded-For: "...)
		if chain := x.told(r, "x-forwarded-for"); len(chain) > 0 {
			out = append(append(out, chain...), ", "...)
		}
		out = append(x.from.client.Addr().AppendTo(out), "\r\n"...)
	}
	if !edits.Drops(forwardedProto) {
		out = append(out, "X-Forwarded-Proto: "...)
		if told := x.told(r, "x-forwarded-proto"); string(told) == "http" || string(told) == "https" {
			out = append(out, told...)
		} else {
			out = append(out, x.from.scheme()...)
		}
		out = append(out, "\r\n"...)
	}
	if !edits.Drops(forwardedHost) {
		out = append(out, "X-Forwarded-Host: "...)
		if told := x.told(r, "x-forwarded-host"); len(told) > 0 {
			out = append(out, told...)
		} else {
			out = append(append(out, r.Name...), r.Port...)
		}
		out = append(out, "\r\n"...)
	}
	return out
}

// told returns what a request tells by a field that is believed of trusted hops
// alone.
func (x *exchange) told(r *h1.Request, name string) []byte {
	if x.hops == 0 {
		return nil
	}
	return r.Told(name)
}

// trueClient is the address of the client that the outermost trusted hop has
// seen. The connection is the last hop's, if there is one.
func (x *exchange) trueClient(r *h1.Request) netip.AddrPort {
	client := x.from.client
	chain := x.told(r, "x-forwarded-for")
	for hops := x.hops; hops > 0 && len(chain) > 0; hops-- {
		var item []byte
		chain, item = h1.LastItem(chain)
		addr, ok := parseClient(string(item))
		if !ok {
			break
		}
		client = addr
	}
	return client
}

// parseClient reads an address with or without a port.
func parseClient(s string) (netip.AddrPort, bool) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(addr.Unmap().WithZone(""), 0), true
	}
	addr, err := netip.ParseAddrPort(s)
	return addr, err == nil
}
