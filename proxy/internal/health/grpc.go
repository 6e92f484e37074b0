package health

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/netip"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// serving is a HealthCheckResponse whose field 1, status, is SERVING. Fields
// that later versions add come after it.
var serving = []byte{1 << 3, 1}

// grpc asks grpc.health.v1.Health/Check over HTTP/2 with prior knowledge. The
// two messages have one field each, which is no reason to link a gRPC client.
func (p *prober) grpc(ctx context.Context, addr netip.AddrPort, check *balance.Check) error {
	url := "http://" + addr.String() + "/grpc.health.v1.Health/Check"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(checkRequest(check.Service)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/grpc")
	request.Header.Set("TE", "trailers")
	request.Header.Set("User-Agent", userAgent)
	t := p.transport(addr)
	defer t.CloseIdleConnections()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetUnencryptedHTTP2(true)
	response, err := t.RoundTrip(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBodyBytes))
	if err != nil {
		return fmt.Errorf("reading the health response: %w", err)
	}
	return judgeResponse(response, body)
}

// checkRequest is a HealthCheckRequest, whose field 1 is the service, in the
// frame of a message: no compression, and its length.
func checkRequest(service string) []byte {
	var message []byte
	if service != "" {
		message = append(message, 1<<3|2)
		message = binary.AppendUvarint(message, uint64(len(service)))
		message = append(message, service...)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))), message...)
}

// judgeResponse returns nil for a server that says it is serving. Without a body
// the status of the call is in the header.
func judgeResponse(response *http.Response, body []byte) error {
	status := response.Trailer.Get("Grpc-Status")
	if status == "" {
		status = response.Header.Get("Grpc-Status")
	}
	if response.StatusCode != http.StatusOK || status != "0" {
		return fmt.Errorf("the health service answered %d with gRPC status %q", response.StatusCode, status)
	}
	if len(body) < 5 || body[0] != 0 || !bytes.HasPrefix(body[5:], serving) {
		return fmt.Errorf("the service is not serving")
	}
	return nil
}
