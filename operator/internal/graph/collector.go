package graph

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// collector resolves where a policy sends spans to. It returns nil, and leaves a
// problem of ResolvedRefs, where that is not possible.
func (b *builder) collector(p *TelemetryPolicy, source *gatewayv1.BackendObjectReference) *Backend {
	const field = "spec.tracing.provider.backendRef"
	name := types.NamespacedName{
		Namespace: string(value(source.Namespace, gatewayv1.Namespace(p.Meta.Namespace))),
		Name:      string(source.Name),
	}
	key := BackendKey{Service: name, Port: value(source.Port, 0)}
	group, kind := value(source.Group, ""), value(source.Kind, "Service")
	switch {
	case group == gatewayxv1alpha1.GroupName && kind == store.KindXBackend:
		key.Kind = store.KindXBackend
	case group != "" || kind != "Service":
		p.unresolved(gatewayxv1alpha1.TelemetryPolicyReasonInvalidKind,
			"%s names a %s of group %q; only Services and XBackends are supported", field, kind, group)
		return nil
	}
	switch {
	case source.Name == "":
		p.invalid(".provider.backendRef is missing")
		return nil
	case !b.mayExport(p, field, key):
		return nil
	case key.Kind == store.KindXBackend:
		key.Transport = exportTransportTo(b.in.XBackends[name])
	default:
		key.Transport = exportTransport(b.in.Services[name], key.Port)
	}
	found := b.resolve(key)
	if found.reason != "" {
		p.unresolved(gatewayv1.PolicyConditionReason(found.reason), "%s: %s", field, found.messageFor(p.Meta.Namespace, name.Namespace))
	}
	return found.backend
}

// mayExport says whether the policy may send spans to the backend, and leaves a
// problem where not. It is asked before the backend is looked at, so that nobody
// learns of another namespace which ones it has.
func (b *builder) mayExport(p *TelemetryPolicy, field string, to BackendKey) bool {
	name := to.Service
	if to.Kind == store.KindXBackend {
		if name.Namespace == p.Meta.Namespace {
			return true
		}
		// No grant changes that (GEP-4894, Route Attachment and Consumer Overrides).
		p.unresolved(gatewayxv1alpha1.TelemetryPolicyReasonRefNotPermitted,
			"%s names XBackend %s, which is for those who refer to it from namespace %s alone", field, name, name.Namespace)
		return false
	}
	from := object{group: gatewayxv1alpha1.GroupName, kind: store.KindTelemetryPolicy, namespace: p.Meta.Namespace}
	if b.grants.allowFrom(from, serviceObject(name)) {
		return true
	}
	p.unresolved(gatewayxv1alpha1.TelemetryPolicyReasonRefNotPermitted,
		"%s: no ReferenceGrant in namespace %s lets an %s of namespace %s use Service %s",
		field, name.Namespace, p.Kind, p.Meta.Namespace, name.Name)
	return false
}

// otlpHTTPPort is the port of OTLP/HTTP (OpenTelemetry Protocol, section
// "OTLP/HTTP Default Port").
const otlpHTTPPort = 4318

// exportTransport tells by the Service's port which of the two forms of OTLP a
// collector speaks: the application protocol says so, or else the number. What
// says nothing speaks gRPC.
func exportTransport(service *corev1.Service, number int32) Transport {
	if service == nil {
		return Calls
	}
	at := findPort(service, BackendKey{Port: number, Transport: Calls})
	if at < 0 {
		return Calls
	}
	app := value(service.Spec.Ports[at].AppProtocol, "")
	if known, ok := backendProtocols[strings.ToLower(app)]; ok && !known.grpc || app == "" && number == otlpHTTPPort {
		return Requests
	}
	return Calls
}

// exportTransportTo is exportTransport for an XBackend, whose protocol says so, or
// else its port.
func exportTransportTo(backend *gatewayxv1alpha1.XBackend) Transport {
	if backend == nil {
		return Calls
	}
	written := value(backend.Spec.Protocol, "")
	known := xbackendProtocols[written]
	switch {
	case written == "" && backend.Spec.Port.Number != otlpHTTPPort:
		return Calls
	case written == "", written == gatewayxv1alpha1.BackendProtocolHTTP:
		return Requests
	case known.grpc || known.protocol == proxyconfig.BackendTCP:
		return Calls
	}
	return Requests
}

// sealHeaders puts the fields of requests to the collector where a certificate has
// its key. The name is none that a Secret could have.
func (p *TelemetryPolicy) sealHeaders() *Certificate {
	headers := p.Source.Spec.Tracing.Provider.Headers
	if len(headers) == 0 {
		return nil
	}
	list := make([]proxyconfig.Header, len(headers))
	for i, header := range headers {
		list[i] = proxyconfig.Header{Name: string(header.Name), Value: header.Value}
	}
	text, _ := json.Marshal(list)
	revision := []byte(p.Kind + " " + p.Name().String() + " " + string(p.Meta.UID) + " " + strconv.FormatInt(p.Meta.Generation, 10) + "\n")
	sum := sha256.Sum256(revision)
	return &Certificate{
		Secret: types.NamespacedName{Namespace: p.Meta.Namespace, Name: p.Kind + ":" + p.Meta.Name},
		Chain:  revision, Key: PrivateKey(text), SHA256: hex.EncodeToString(sum[:]),
	}
}

// checkExportHeaders refuses what cannot be sent, and the fields that belong to
// the export itself. It repeats no value.
func (p *TelemetryPolicy) checkExportHeaders(headers []gatewayv1.HTTPHeader) {
	for i, header := range headers {
		field := ".provider.headers[" + strconv.Itoa(i) + "]"
		name := strings.ToLower(string(header.Name))
		switch {
		case !token.MatchString(name):
			p.invalid("%s: %q is not a valid name", field, header.Name)
		case belongsToExport(name):
			p.invalid("%s: %s belongs to the proxy and cannot be changed", field, header.Name)
		case !fieldValue.MatchString(header.Value) || header.Value != strings.Trim(header.Value, " \t"):
			p.invalid("%s: the value of %s is not valid", field, header.Name)
		}
	}
}

func belongsToExport(name string) bool {
	switch name {
	case "host", "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade",
		"content-length", "content-type", "content-encoding", "transfer-encoding":
		return true
	}
	return strings.HasPrefix(name, "grpc-")
}
