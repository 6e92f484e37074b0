package snapshot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/tracing"
)

// Spans is how requests are recorded and where that goes. It is immutable, and
// lives on across snapshots as long as nothing of it changes.
type Spans struct {
	Policy *tracing.Policy
	// Cluster is the collector, and Transport how it is spoken to: by OTLP/gRPC
	// where that is HTTP/2, else by OTLP/HTTP.
	Cluster   *balance.Cluster
	Transport *Transport
	// Authority is the collector's name, ServiceName that of the resource.
	Authority, ServiceName string
	// Headers are those of requests to the collector.
	Headers SecretHeaders

	source *proxyconfig.Tracing
	secret PrivateKey
}

// SecretHeaders may be credentials. They print as a placeholder, as a PrivateKey
// does.
type SecretHeaders []proxyconfig.Header

// Format hides the headers from all verbs.
func (SecretHeaders) Format(f fmt.State, verb rune) { PrivateKey(nil).Format(f, verb) }

// MarshalJSON hides the headers.
func (SecretHeaders) MarshalJSON() ([]byte, error) { return PrivateKey(nil).MarshalJSON() }

var (
	errNoCollector = errors.New("the collector is no backend of the configuration")
	errNoHeaders   = errors.New("the headers for the collector are not there")
	errBadHeaders  = errors.New("the headers for the collector cannot be read")
)

// compileTracing refuses as a whole what cannot be used: requests are served all
// the same, and nothing of them is sent without the headers that it should have.
func (c *compiler) compileTracing() {
	t := c.in.Config.Tracing
	if t == nil {
		return
	}
	spans, err := c.spans(t)
	if err != nil {
		c.refuse(proxyconfig.RefusedItem{Kind: proxyconfig.KindTracing, Name: t.ServiceName, Reason: err.Error()})
		return
	}
	c.out.Spans = spans
}

func (c *compiler) spans(t *proxyconfig.Tracing) (*Spans, error) {
	if err := proxyconfig.ValidateTracing(t); err != nil {
		return nil, err
	}
	s := &Spans{Authority: t.Authority, ServiceName: t.ServiceName, source: t}
	s.Cluster, s.Transport = c.out.backends.reach(t.Collector)
	if s.Cluster == nil || s.Transport == nil {
		return nil, errNoCollector
	}
	if err := s.readHeaders(t.Headers, c.in.Certificates); err != nil {
		return nil, err
	}
	if p := c.in.Previous; p != nil && p.Spans.same(s) {
		return p.Spans, nil
	}
	s.Policy = tracing.NewPolicy(t)
	return s, nil
}

// readHeaders never quotes what it reads.
func (s *Spans) readHeaders(ref *proxyconfig.CertificateRef, from Certificates) error {
	if ref == nil {
		return nil
	}
	if from == nil {
		return errNoHeaders
	}
	pair, ok := from.Find(*ref)
	if !ok {
		return errNoHeaders
	}
	s.secret = pair.Key
	var headers []proxyconfig.Header
	if json.Unmarshal(pair.Key, &headers) != nil {
		return errBadHeaders
	}
	s.Headers = headers
	return nil
}

func (s *Spans) same(other *Spans) bool {
	return s != nil && s.Cluster == other.Cluster && s.Transport == other.Transport &&
		bytes.Equal(s.secret, other.secret) && reflect.DeepEqual(s.source, other.source)
}

// tracing is the policy of all ports, or nil.
func (c *compiler) tracing() *tracing.Policy {
	if c.out.Spans == nil {
		return nil
	}
	return c.out.Spans.Policy
}
