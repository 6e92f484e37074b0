package otlp

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/proxyproto"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

const (
	grpcPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
	httpPath = "/v1/traces"
	// grpcPrefix is the length of what precedes a message: whether it is compressed,
	// and its length.
	grpcPrefix = 5
	// maxTries bounds the times that a batch is sent, with a pause before each
	// but the first that begins with firstPause and doubles.
	maxTries   = 3
	firstPause = 200 * time.Millisecond
	// maxAnswer bounds what is read of a collector's answer.
	maxAnswer = 64 << 10
)

// client sends batches to the endpoints of a collector. It implements
// otlptrace.Client.
type client struct {
	options   *Options
	spans     *snapshot.Spans
	transport *http.Transport
}

func newClient(o *Options, s *snapshot.Spans) *client {
	c := &client{options: o, spans: s}
	c.transport = &http.Transport{
		DialContext: c.dial, DisableCompression: true, Protocols: new(http.Protocols),
		MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute, TLSHandshakeTimeout: exportTime, MaxResponseHeaderBytes: maxAnswer,
	}
	switch over := s.Transport; {
	case !over.HTTP2:
		c.transport.Protocols.SetHTTP1(true)
	case over.TLS != nil:
		c.transport.Protocols.SetHTTP2(true)
	default:
		c.transport.Protocols.SetUnencryptedHTTP2(true)
	}
	if s.Transport.TLS != nil {
		c.transport.TLSClientConfig = s.Transport.TLS.Clone()
	}
	return c
}

// dial connects to an endpoint, whose address is looked at once more: what leads
// to the proxy itself or to its node must not be reached by way of a collector. It
// begins with the PROXY protocol header that the collector's backend expects, ahead
// of the TLS handshake.
func (c *client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	at, err := netip.ParseAddrPort(address)
	if err == nil {
		err = c.options.Permit(at.Addr())
	}
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, address)
	header := proxyproto.Own(c.spans.Transport.SentProxy)
	if err != nil || len(header) == 0 {
		return conn, err
	}
	if _, err := conn.Write(header); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// Start implements otlptrace.Client.
func (c *client) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *client) Stop(context.Context) error {
	c.transport.CloseIdleConnections()
	return nil
}

// refusal is an answer of a collector that does not take a batch.
type refusal struct {
	status string
	again  bool
}

// Error implements error.
func (r *refusal) Error() string { return "the collector answered " + r.status }

var errNoEndpoint = errors.New("the collector has no endpoint")

// UploadTraces implements otlptrace.Client. What may be taken later, or by another
// endpoint, is sent again.
func (c *client) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// It is encoded as an ExportTraceServiceRequest is.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("encoding spans: %w", err)
	}
	pause := firstPause
	for try := 1; ; try++ {
		err := c.send(ctx, body)
		if err == nil || final(err) || try == maxTries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
			pause *= 2
		}
	}
}

// final says whether sending a batch again would change nothing.
func final(err error) bool {
	var r *refusal
	var p *partial
	return errors.As(err, &p) || errors.As(err, &r) && !r.again
}

// send sends a batch to one endpoint.
func (c *client) send(ctx context.Context, body []byte) error {
	if err := c.spans.Transport.Err; err != nil {
		return err
	}
	endpoint := c.spans.Cluster.Pick(c.options.Now())
	if endpoint == nil {
		return errNoEndpoint
	}
	request, err := c.request(ctx, endpoint.Addr, body)
	if err != nil {
		return err
	}
	began := c.options.Now()
	endpoint.Begin()
	err = c.exchange(request)
	endpoint.End(began, c.options.Now(), outcome(err))
	return err
}

func outcome(err error) balance.Outcome {
	var r *refusal
	var p *partial
	switch {
	case err == nil, errors.As(err, &p):
		return balance.Answered
	case errors.As(err, &r):
		return balance.ServerError
	case errors.Is(err, context.Canceled):
		return balance.Abandoned
	}
	return balance.Broken
}

func (c *client) request(ctx context.Context, to netip.AddrPort, body []byte) (*http.Request, error) {
	path, contentType := httpPath, "application/x-protobuf"
	if c.spans.Transport.HTTP2 {
		path, contentType = grpcPath, "application/grpc"
		body = append(binary.BigEndian.AppendUint32(make([]byte, 1, len(body)+grpcPrefix), uint32(len(body))), body...)
	}
	scheme := "http"
	if c.spans.Transport.TLS != nil {
		scheme = "https"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, scheme+"://"+to.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("making a request: %w", err)
	}
	request.Host = c.spans.Authority
	for _, h := range c.spans.Headers {
		request.Header.Add(h.Name, h.Value)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("User-Agent", "fleetgate-proxy/"+c.options.Version)
	if c.spans.Transport.HTTP2 {
		request.Header.Set("Te", "trailers")
	}
	return request, nil
}

// exchange follows no redirects: whoever is not the collector gets no spans.
func (c *client) exchange(request *http.Request) error {
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("sending spans: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("reading the collector's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return &refusal{status: strconv.Itoa(response.StatusCode), again: retriesHTTP(response.StatusCode)}
	}
	if !c.spans.Transport.HTTP2 {
		return rejectedIn(answer)
	}
	status := response.Trailer.Get("Grpc-Status")
	if status == "" {
		status = response.Header.Get("Grpc-Status")
	}
	if status != "0" {
		return &refusal{status: "with gRPC status " + strconv.Quote(status), again: retriesGRPC(status)}
	}
	return rejectedIn(answer[min(grpcPrefix, len(answer)):])
}

// retriesHTTP and retriesGRPC are the retryable answers of the protocol (OTLP,
// sections "OTLP/HTTP Failures" and "OTLP/gRPC Failures").
func retriesHTTP(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func retriesGRPC(status string) bool {
	switch status {
	case "1", "4", "10", "11", "14", "15":
		return true
	}
	return false
}
