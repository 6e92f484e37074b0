package otlp

import (
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/fleetgate/fleetgate/proxy/internal/tracing"
)

// maxText bounds each text of a client that is recorded.
const maxText = 1024

// description is a request in the words of OpenTelemetry's semantic conventions
// of HTTP spans. Neither queries nor credentials are in it unless a policy names
// the query.
type description struct {
	request *tracing.Request
	service string
	custom  []attribute.KeyValue
}

func describe(r *tracing.Request, service string) *description {
	d := &description{request: r, service: service}
	for i := range r.Policy.Attributes {
		a := &r.Policy.Attributes[i]
		switch {
		case a.Literal != "":
			d.custom = append(d.custom, attribute.String(a.Name, a.Literal))
		case a.Header != "" && i < len(r.Values) && r.Values[i] != "":
			d.custom = append(d.custom, attribute.String(a.Name, text(r.Values[i])))
		case a.Key != "":
			if v := d.value(a.Key); v.Type() != attribute.EMPTY {
				d.custom = append(d.custom, attribute.KeyValue{Key: attribute.Key(a.Name), Value: v})
			}
		}
	}
	return d
}

// text makes what a client has sent fit to be recorded.
func text(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// knownMethods are those of RFC 9110 and RFC 5789; a span has others as _OTHER, as
// there may be any number of them.
var knownMethods = []string{"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"}

const otherMethod = "_OTHER"

func methodOf(r *tracing.Request) string {
	if slices.Contains(knownMethods, r.Method) {
		return r.Method
	}
	return otherMethod
}

// method names a span of a request whose route has no template: by its method
// alone.
func (d *description) method() string {
	if m := methodOf(d.request); m != otherMethod {
		return m
	}
	return "HTTP"
}

func (d *description) name() string {
	if name := d.request.Policy.SpanName; name != "" {
		return name
	}
	return d.method()
}

// server are the attributes of the request's own span.
func (d *description) server() []attribute.KeyValue {
	var out []attribute.KeyValue
	for _, key := range []string{
		"http.request.method", "url.path", "url.scheme", "server.address", "server.port", "client.address", "client.port",
		"network.protocol.name", "network.protocol.version", "user_agent.original", "http.response.status_code", "error.type",
		"http.request.body.size", "http.response.body.size",
	} {
		if v := d.value(key); v.Type() != attribute.EMPTY {
			out = append(out, attribute.KeyValue{Key: attribute.Key(key), Value: v})
		}
	}
	if methodOf(d.request) == otherMethod {
		out = append(out, attribute.String("http.request.method_original", text(d.request.Method)))
	}
	return append(out, d.custom...)
}

// attempt are the attributes of the span of an attempt, which comes after others.
func (d *description) attempt(a *tracing.Attempt, repeats int) []attribute.KeyValue {
	out := []attribute.KeyValue{
		attribute.String("http.request.method", methodOf(d.request)),
		attribute.String("url.full", text(a.URL)),
		attribute.String("server.address", a.Service+"."+a.Namespace),
		attribute.Int("server.port", int(a.Port)),
		attribute.String("network.peer.address", a.Peer.Addr().String()),
		attribute.Int("network.peer.port", int(a.Peer.Port())),
		attribute.String("network.protocol.name", "http"),
		attribute.String("network.protocol.version", a.Version),
	}
	if a.Status != 0 {
		out = append(out, attribute.Int("http.response.status_code", a.Status))
	}
	if a.Error != "" {
		out = append(out, attribute.String("error.type", a.Error))
	}
	if repeats > 0 {
		out = append(out, attribute.Int("http.request.resend_count", repeats))
	}
	return append(out, d.custom...)
}

// value is the attribute of a key, which is one of proxyconfig.SpanKeys; it is
// invalid where the request has none.
func (d *description) value(key string) attribute.Value {
	r := d.request
	switch key {
	case "http.request.method":
		return attribute.StringValue(methodOf(r))
	case "url.path":
		return attribute.StringValue(text(r.Path))
	case "url.query":
		return unlessEmpty(r.Query)
	case "url.scheme":
		return attribute.StringValue(r.Scheme)
	case "server.address":
		return unlessEmpty(r.Host)
	case "server.port":
		return attribute.IntValue(int(r.Port))
	case "client.address", "network.peer.address":
		if r.Client.IsValid() {
			return attribute.StringValue(r.Client.Addr().String())
		}
	case "client.port", "network.peer.port":
		return unlessZero(int64(r.Client.Port()))
	case "network.protocol.name":
		return attribute.StringValue("http")
	case "network.protocol.version":
		return attribute.StringValue(r.Version)
	case "user_agent.original":
		return unlessEmpty(r.UserAgent)
	case "http.response.status_code":
		return unlessZero(int64(r.Status))
	case "error.type":
		return unlessEmpty(r.Error)
	case "http.request.body.size":
		return unlessZero(int64(r.RequestBytes))
	case "http.response.body.size":
		return unlessZero(int64(r.ResponseBytes))
	case "service.name":
		return attribute.StringValue(d.service)
	}
	return attribute.Value{}
}

func unlessEmpty(s string) attribute.Value {
	if s == "" {
		return attribute.Value{}
	}
	return attribute.StringValue(text(s))
}

func unlessZero(n int64) attribute.Value {
	if n == 0 {
		return attribute.Value{}
	}
	return attribute.Int64Value(n)
}
