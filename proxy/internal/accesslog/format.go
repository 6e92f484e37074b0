package accesslog

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// Format is how a line looks.
type Format uint8

// The formats. Text is "key=value" with the values in quotes where they come
// from outside.
const (
	Off Format = iota
	JSON
	Text
)

// ParseFormat reads a format by its name: off, json or text.
func ParseFormat(name string) (Format, error) {
	switch name {
	case "off":
		return Off, nil
	case "json":
		return JSON, nil
	case "text":
		return Text, nil
	}
	return Off, fmt.Errorf("unknown access log format %q: it is off, json or text", name)
}

// The longest pieces of a client's text that are kept.
const (
	maxMethod = 32
	maxHost   = 255
	maxTarget = 2048
	maxAgent  = 256
	maxID     = 128
)

// maxLine bounds a line: every kept byte may become an escape of six, and the
// rest of a line has names that are bounded by Kubernetes.
const maxLine = 6*(maxMethod+maxHost+maxTarget+maxAgent+maxID) + 4096

// line appends the fields of one line to a buffer.
type line struct {
	format Format
	chosen Fields
	buf    []byte
	fields int
}

// appendLine appends the line of a request, with all fields.
func appendLine(buf []byte, f Format, d *traffic.Done) []byte { return appendChosen(buf, f, 0, d) }

// appendChosen appends the line of a request, with the fields that are chosen.
func appendChosen(buf []byte, f Format, chosen Fields, d *traffic.Done) []byte {
	l := line{format: f, chosen: chosen, buf: buf}
	l.begin()
	l.key("time")
	l.time(d.Start)
	l.address("client", d.Client)
	l.outside("method", d.RawMethod, maxMethod)
	l.outside("host", d.Host, maxHost)
	path, query, _ := bytes.Cut(d.Target, []byte("?"))
	l.outside("target", path, maxTarget)
	l.outside(queryField, query, max(0, maxTarget-len(path)))
	l.string("protocol", protocolName(d.Protocol))
	l.number("status", int64(d.Status))
	l.number("durationMicros", d.Duration.Microseconds())
	l.number("upstreamMicros", d.Upstream.Microseconds())
	l.number("requestBytes", int64(d.RequestBytes))
	l.number("responseBytes", int64(d.ResponseBytes))
	l.route(d)
	l.number("attempts", int64(d.Attempts))
	l.flags(d.Flags)
	if d.Slow {
		l.socket(&d.ClientSocket, "clientAcceptMicros", "clientRTTMicros", "clientRetransmits")
		l.socket(&d.BackendSocket, "backendConnectMicros", "backendRTTMicros", "backendRetransmits")
	}
	l.outside("userAgent", d.UserAgent, maxAgent)
	l.outside("requestID", d.RequestID, maxID)
	l.trace(d.TraceID)
	l.end()
	return l.buf
}

// route appends what the configuration says of the request.
func (l *line) route(d *traffic.Done) {
	l.number("port", int64(d.Port))
	if d.Rule != nil {
		l.string("listener", d.Rule.Listener.Name)
	}
	// What a listener's filters have answered is of no route.
	if d.Rule != nil && d.Rule.Route.Name != "" {
		l.string("routeNamespace", d.Rule.Route.Namespace)
		l.string("route", d.Rule.Route.Name)
		l.number("rule", int64(d.Rule.Index))
	}
	if d.Endpoint != nil {
		l.string("backend", d.Endpoint.Cluster.ID)
		l.address("endpoint", d.Endpoint.Addr)
	}
}

// address appends an address, which may be unknown.
func (l *line) address(name string, a netip.AddrPort) {
	if !a.IsValid() || !l.chosen.has(name) {
		return
	}
	l.key(name)
	l.buf = append(l.buf, '"')
	l.buf = a.AppendTo(l.buf)
	l.buf = append(l.buf, '"')
}

// trace appends the identifier of a trace, where there is one.
func (l *line) trace(id [16]byte) {
	if id == ([16]byte{}) || !l.chosen.has("traceID") {
		return
	}
	l.key("traceID")
	l.buf = append(l.buf, '"')
	l.buf = hex.AppendEncode(l.buf, id[:])
	l.buf = append(l.buf, '"')
}

// socket appends what the kernel has said of a connection, under three names.
func (l *line) socket(s *traffic.Socket, wait, rtt, retransmits string) {
	if s.Waited {
		l.number(wait, s.Wait.Microseconds())
	}
	if s.Known {
		l.number(rtt, s.RTT.Microseconds())
		l.number(retransmits, int64(s.Retransmitted))
	}
}

func (l *line) begin() {
	if l.format == JSON {
		l.buf = append(l.buf, '{')
	}
}

func (l *line) end() {
	if l.format == JSON {
		l.buf = append(l.buf, '}')
	}
	l.buf = append(l.buf, '\n')
}

func (l *line) key(name string) {
	sep, equals := byte(','), `":`
	if l.format == Text {
		sep, equals = ' ', "="
	}
	if l.fields > 0 {
		l.buf = append(l.buf, sep)
	}
	l.fields++
	if l.format == JSON {
		l.buf = append(l.buf, '"')
	}
	l.buf = append(l.buf, name...)
	l.buf = append(l.buf, equals...)
}

func (l *line) number(name string, n int64) {
	if !l.chosen.has(name) {
		return
	}
	l.key(name)
	l.buf = strconv.AppendInt(l.buf, n, 10)
}

func (l *line) time(t time.Time) {
	l.buf = append(l.buf, '"')
	l.buf = t.UTC().AppendFormat(l.buf, "2006-01-02T15:04:05.000000Z")
	l.buf = append(l.buf, '"')
}

// string appends text of the configuration's or our own.
func (l *line) string(name, value string) {
	if value == "" || !l.chosen.has(name) {
		return
	}
	l.key(name)
	l.buf = append(l.buf, '"')
	l.buf = appendEscaped(l.buf, value)
	l.buf = append(l.buf, '"')
}

// outside appends text of a client's, cut to a length.
func (l *line) outside(name string, value []byte, limit int) {
	if len(value) == 0 || !l.chosen.has(name) {
		return
	}
	cut := len(value) > limit
	l.key(name)
	l.buf = append(l.buf, '"')
	l.buf = appendEscaped(l.buf, value[:min(len(value), limit)])
	if cut {
		l.buf = append(l.buf, "..."...)
	}
	l.buf = append(l.buf, '"')
}

func (l *line) flags(f probe.Flags) {
	if f == 0 || !l.chosen.has("flags") {
		return
	}
	l.key("flags")
	l.buf = append(l.buf, '"')
	for i, name := range flagNames() {
		if f&(1<<i) == 0 {
			continue
		}
		if f&(1<<i-1) != 0 {
			l.buf = append(l.buf, ',')
		}
		l.buf = append(l.buf, name...)
	}
	l.buf = append(l.buf, '"')
}

// flagNames are in the order of the flags' bits.
func flagNames() [6]string {
	return [6]string{"retried", "timeout", "client-cancel", "no-route", "upstream-reset", "upstream-failed"}
}

func protocolName(p probe.Protocol) string {
	switch p {
	case probe.HTTP1:
		return "HTTP/1.1"
	case probe.HTTP2:
		return "HTTP/2"
	case probe.HTTP3:
		return "HTTP/3"
	case probe.GRPC:
		return "gRPC"
	case probe.WebSocket:
		return "WebSocket"
	case probe.TCP:
		return "TCP"
	case probe.UDP:
		return "UDP"
	}
	return ""
}

// appendEscaped appends s as the inside of a JSON string. Beyond what JSON
// demands it escapes DEL, the C1 controls and the line separators, and replaces
// what is not UTF-8: whatever reads the line sees one line and no controls.
func appendEscaped[S []byte | string](buf []byte, s S) []byte {
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			buf = appendASCII(buf, c)
			i++
			continue
		}
		r, size := decodeRune(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			buf = append(buf, `\ufffd`...)
		case r < 0xa0, r == '\u2028', r == '\u2029':
			buf = appendUnicode(buf, r)
		default:
			buf = append(buf, s[i:i+size]...)
		}
		i += size
	}
	return buf
}

func decodeRune[S []byte | string](s S) (rune, int) {
	var window [utf8.UTFMax]byte
	n := copy(window[:], s)
	return utf8.DecodeRune(window[:n])
}

func appendASCII(buf []byte, c byte) []byte {
	switch {
	case c == '"' || c == '\\':
		return append(buf, '\\', c)
	case c < ' ' || c == 0x7f:
		return appendUnicode(buf, rune(c))
	}
	return append(buf, c)
}

func appendUnicode(buf []byte, r rune) []byte {
	const digits = "0123456789abcdef"
	return append(buf, '\\', 'u', digits[r>>12&15], digits[r>>8&15], digits[r>>4&15], digits[r&15])
}
