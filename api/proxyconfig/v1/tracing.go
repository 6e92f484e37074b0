package proxyconfig

import (
	"fmt"
	"slices"
	"strings"
)

// Tracing has requests recorded as spans, which are sent to a collector by OTLP
// (Gateway API, XTelemetryPolicy; GEP-4768). A proxy of an earlier version that
// does not know it serves every request as it should, and says nothing of it: it
// needs no feature, and its fleet goes on taking in routes.
type Tracing struct {
	// Collector is the ID of one of Config.Backends. Of protocol h2 it is spoken to
	// by OTLP/gRPC, of protocol http by OTLP/HTTP with the path /v1/traces.
	Collector string `json:"collector"`
	// Authority is the collector's name in requests to it.
	Authority string `json:"authority"`
	// ServiceName is the resource's service.name.
	ServiceName string `json:"serviceName"`
	// SpanName is the name of the spans of requests; empty names each by its
	// method.
	SpanName string `json:"spanName,omitempty"`
	// Sampling is the share of the requests that are recorded of those that bring
	// no decision which is followed.
	Sampling Fraction `json:"sampling"`
	// ParentSampling has a request that belongs to a trace already be recorded if
	// its trace is: this share of them. Nil follows no such decision.
	ParentSampling *Fraction `json:"parentSampling,omitempty"`
	// Attributes are added to every span.
	Attributes []SpanAttribute `json:"attributes,omitempty"`
	// Headers says where in the fleet's Secrets the fields lie that each request to
	// the collector has, as they may be credentials: Key+".key" is a JSON list of
	// Header, Key+".crt" a text that changes whenever they do. Nil means none.
	Headers *CertificateRef `json:"headers,omitempty"`
}

// SpanAttribute is an attribute of spans. Exactly one of its sources is set.
type SpanAttribute struct {
	Name string `json:"name"`
	// Header is the name of a field of the request, or where that has none, of the
	// response.
	Header  string `json:"header,omitempty"`
	Literal string `json:"literal,omitempty"`
	// Key is one of SpanKeys.
	Key string `json:"key,omitempty"`
}

// SpanKeys are the attributes of the semantic conventions of OpenTelemetry that a
// SpanAttribute may take its value from, sorted.
func SpanKeys() []string {
	return []string{
		"client.address", "client.port", "error.type", "http.request.body.size", "http.request.method",
		"http.response.body.size", "http.response.status_code", "network.peer.address", "network.peer.port",
		"network.protocol.name", "network.protocol.version", "server.address", "server.port", "service.name",
		"url.path", "url.query", "url.scheme", "user_agent.original",
	}
}

// CarriesCredentials says whether a field of that name, in any case, is there to
// carry credentials. None of them is ever recorded.
func CarriesCredentials(name string) bool {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization", "cookie", "set-cookie":
		return true
	}
	return false
}

// ValidateTracing checks everything but whether there is a collector. What is not
// valid is not traced, and served all the same.
func ValidateTracing(t *Tracing) error {
	if t == nil {
		return nil
	}
	if t.Collector == "" || t.Authority == "" || t.ServiceName == "" {
		return fmt.Errorf("collector, authority and service name are needed")
	}
	if !t.Sampling.isShare() || t.ParentSampling != nil && !t.ParentSampling.isShare() {
		return fmt.Errorf("a sampling rate is no share of the requests")
	}
	for i := range t.Attributes {
		if err := t.Attributes[i].validate(); err != nil {
			return fmt.Errorf("attribute %q: %w", t.Attributes[i].Name, err)
		}
	}
	return nil
}

func (f Fraction) isShare() bool {
	return f.Denominator > 0 && f.Numerator >= 0 && f.Numerator <= f.Denominator
}

func (a *SpanAttribute) validate() error {
	set := 0
	for _, source := range []string{a.Header, a.Literal, a.Key} {
		if source != "" {
			set++
		}
	}
	switch {
	case a.Name == "" || set != 1:
		return fmt.Errorf("it needs a name and one source")
	case a.Header != "" && CarriesCredentials(a.Header):
		return fmt.Errorf("header %s carries credentials", a.Header)
	case a.Key != "" && !slices.Contains(SpanKeys(), a.Key):
		return fmt.Errorf("key %q is not known", a.Key)
	}
	return nil
}
