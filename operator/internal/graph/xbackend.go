package graph

import (
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// ReasonInvalidXBackend is the reason of a route's ResolvedRefs when an XBackend that
// it leads to is not valid. The Gateway API has no reason for it.
const ReasonInvalidXBackend gatewayv1.RouteConditionReason = "InvalidXBackend"

// XBackend is an XBackend that a rule leads to. One that is not valid answers 500 as
// a whole, and is never reached in any other way than was asked for.
type XBackend struct {
	PolicyNode
	Source *gatewayxv1alpha1.XBackend
	// Hostname is lower case, and empty for an EndpointSelector.
	Hostname string
	// TLS is nil for plaintext.
	TLS *BackendTLS
	// Session is nil where the backend keeps no sessions.
	Session *proxyconfig.Session
}

// xbackend validates each XBackend once, and returns nil for one that does not exist.
func (b *builder) xbackend(name types.NamespacedName) *XBackend {
	if known, ok := b.xbackends[name]; ok {
		return known
	}
	source := b.in.XBackends[name]
	if source == nil {
		return nil
	}
	x := &XBackend{PolicyNode: PolicyNode{Kind: store.KindXBackend, Meta: &source.ObjectMeta}, Source: source}
	b.xbackends[name] = x
	if b.checkBroken(&x.PolicyNode) {
		return x
	}
	x.readDestination(b.opts.ClusterDomain)
	x.readSession()
	b.readXBackendTLS(x)
	x.checkProtocol()
	return x
}

// readDestination holds the rules of the CRD's schema, too.
func (x *XBackend) readDestination(clusterDomain string) {
	spec := &x.Source.Spec
	if port := spec.Port.Number; port < 1 || port > 65535 {
		x.refuse(gatewayv1.PolicyReasonInvalid, "spec.port.number %d is not in [1, 65535]", port)
	}
	switch spec.Type {
	case gatewayxv1alpha1.BackendTypeExternalHostname:
		if spec.ExternalHostname == nil || spec.EndpointSelector != nil {
			x.refuse(gatewayv1.PolicyReasonInvalid, "spec.type is %s, which needs spec.externalHostname and no spec.endpointSelector", spec.Type)
			return
		}
		x.readHostname(string(spec.ExternalHostname.Hostname), clusterDomain)
	case gatewayxv1alpha1.BackendTypeEndpointSelector:
		if spec.EndpointSelector == nil || spec.ExternalHostname != nil || len(spec.EndpointSelector.MatchLabels) == 0 {
			x.refuse(gatewayv1.PolicyReasonInvalid, "spec.type is %s, which needs spec.endpointSelector.matchLabels and no spec.externalHostname", spec.Type)
		}
	default:
		x.refuse(gatewayv1.PolicyReasonInvalid, "spec.type %q is not known", spec.Type)
	}
}

// readHostname refuses what would lead past the grants of Services (GEP-4894,
// Security Model). Where a name leads to is for the proxies to check.
func (x *XBackend) readHostname(written, clusterDomain string) {
	const field = "spec.externalHostname.hostname"
	x.Hostname = strings.ToLower(written)
	_, err := netip.ParseAddr(x.Hostname)
	switch {
	case err == nil:
		x.refuse(gatewayv1.PolicyReasonInvalid, "%s %q is an IP address", field, written)
	case below(x.Hostname, "cluster.local") || clusterDomain != "" && below(x.Hostname, clusterDomain):
		x.refuse(gatewayv1.PolicyReasonInvalid, "%s %q is a name of this cluster", field, written)
	case !validPreciseHostname(x.Hostname):
		x.refuse(gatewayv1.PolicyReasonInvalid, "%s %q is not valid", field, written)
	}
}

// below says whether the name is the domain or one in it.
func below(name, domain string) bool { return strings.HasSuffix("."+name, "."+domain) }

func (x *XBackend) readSession() {
	source := x.Source.Spec.SessionPersistence
	if source == nil {
		return
	}
	if x.Source.Spec.Type != gatewayxv1alpha1.BackendTypeEndpointSelector {
		x.refuse(gatewayv1.PolicyReasonInvalid, "spec.sessionPersistence is for type %s alone", gatewayxv1alpha1.BackendTypeEndpointSelector)
		return
	}
	session, problems := readSession(source, x.Kind+"/"+x.Name().String())
	for _, problem := range problems {
		x.refuse(gatewayv1.PolicyReasonInvalid, "spec.sessionPersistence%s", problem)
	}
	if x.Session = session; session != nil {
		session.Shared = true
	}
}

// readXBackendTLS reads whom the XBackend trusts as one does of a BackendTLSPolicy:
// it is the same type. Single references that are bad are told in notes, as there is
// no condition for them.
func (b *builder) readXBackendTLS(x *XBackend) {
	tls := x.Source.Spec.TLS
	mode := gatewayxv1alpha1.BackendTLSModeNone
	if tls != nil {
		mode = tls.Mode
	}
	switch mode {
	case gatewayxv1alpha1.BackendTLSModeNone:
		if tls != nil && (tls.Validation != nil || tls.ClientCertificateRef != nil) {
			x.refuse(gatewayv1.PolicyReasonInvalid, "spec.tls.mode is None, which has neither validation nor clientCertificateRef")
		}
		return
	case gatewayxv1alpha1.BackendTLSModeServerOnly, gatewayxv1alpha1.BackendTLSModeClientAndServer:
	default:
		x.refuse(gatewayv1.PolicyReasonInvalid, "spec.tls.mode %q is not known", mode)
		return
	}
	written := store.ValidationPolicy(x.Source)
	if written == nil {
		x.refuse(gatewayv1.PolicyReasonInvalid, "spec.tls.mode is %s, and there is no spec.tls.validation", mode)
		return
	}
	policy := newPolicy(written)
	b.readPolicy(policy)
	policy.invalidate()
	for _, problem := range policy.Problems {
		message := strings.ReplaceAll(problem.Message, "spec.validation", "spec.tls.validation")
		if problem.Type != string(gatewayv1.PolicyConditionAccepted) {
			x.Notes = append(x.Notes, message)
			continue
		}
		x.refuse(gatewayv1.PolicyConditionReason(problem.Reason), "%s", message)
	}
	x.TLS = policy.TLS
	b.readXBackendCertificate(x, mode)
}

func (b *builder) readXBackendCertificate(x *XBackend, mode gatewayxv1alpha1.BackendTLSMode) {
	const field = "spec.tls.clientCertificateRef"
	ref := x.Source.Spec.TLS.ClientCertificateRef
	if wanted := mode == gatewayxv1alpha1.BackendTLSModeClientAndServer; wanted != (ref != nil) {
		x.refuse(gatewayv1.PolicyReasonInvalid, "%s is for mode %s alone, and needed there", field, gatewayxv1alpha1.BackendTLSModeClientAndServer)
		return
	}
	if ref == nil {
		return
	}
	if group, kind := value(ref.Group, ""), value(ref.Kind, "Secret"); group != "" || kind != "Secret" {
		x.refuse(gatewayv1.PolicyReasonInvalid, "%s names a %s of group %q; only Secrets are supported", field, kind, group)
		return
	}
	home := x.Meta.Namespace
	name := types.NamespacedName{Namespace: string(value(ref.Namespace, gatewayv1.Namespace(home))), Name: string(ref.Name)}
	from := object{group: gatewayxv1alpha1.GroupName, kind: store.KindXBackend, namespace: home}
	// Asked before the Secret is looked at, so that nobody learns of another
	// namespace which Secrets it has.
	if !b.grants.allowFrom(from, secretObject(name)) {
		x.refuse(gatewayv1.PolicyConditionReason(gatewayv1.RouteReasonRefNotPermitted),
			"%s: no ReferenceGrant in namespace %s lets XBackends of namespace %s use Secret %s", field, name.Namespace, home, name.Name)
		return
	}
	certificate, problem := parseCertificate(name, b.in.Secrets[name])
	if problem != "" {
		x.refuse(gatewayv1.PolicyReasonInvalid, "%s: Secret %s %s", field, name, problem)
	}
	x.TLS.ClientCertificate = certificate
}

// xbackendProtocols are the protocols of XBackends. HTTP leaves the version to what
// the route needs, as does saying nothing. MCP is carried by HTTP, and a WebSocket is
// an upgrade of HTTP/1.1.
var xbackendProtocols = map[gatewayxv1alpha1.BackendProtocol]backendProtocol{
	gatewayxv1alpha1.BackendProtocolHTTP:   {protocol: proxyconfig.BackendHTTP1, grpc: true},
	gatewayxv1alpha1.BackendProtocolHTTP11: {protocol: proxyconfig.BackendHTTP1},
	gatewayxv1alpha1.BackendProtocolMCP:    {protocol: proxyconfig.BackendHTTP1},
	gatewayxv1alpha1.BackendProtocolWSS:    {protocol: proxyconfig.BackendHTTP1, needsTLS: true},
	gatewayxv1alpha1.BackendProtocolHTTP2:  {protocol: proxyconfig.BackendHTTP2, grpc: true, needsTLS: true},
	gatewayxv1alpha1.BackendProtocolH2C:    {protocol: proxyconfig.BackendHTTP2, grpc: true},
	gatewayxv1alpha1.BackendProtocolGRPC:   {protocol: proxyconfig.BackendHTTP2, grpc: true},
	gatewayxv1alpha1.BackendProtocolTCP:    {protocol: proxyconfig.BackendTCP},
}

func (x *XBackend) protocol() gatewayxv1alpha1.BackendProtocol {
	return value(x.Source.Spec.Protocol, gatewayxv1alpha1.BackendProtocolHTTP)
}

func (x *XBackend) checkProtocol() {
	written := x.protocol()
	known, ok := xbackendProtocols[written]
	switch {
	case !ok:
		x.refuse(gatewayv1.PolicyReasonInvalid, "spec.protocol %q is not known", written)
	case known.needsTLS && x.TLS == nil:
		x.refuse(gatewayv1.PolicyReasonInvalid, "spec.protocol is %s, which needs spec.tls", written)
	case written == gatewayxv1alpha1.BackendProtocolH2C && x.TLS != nil:
		x.refuse(gatewayv1.PolicyReasonInvalid, "spec.protocol is %s, which is without TLS", written)
	}
}

// speak returns the contract's protocol by which the backend is sent something, or
// why it cannot be.
func (x *XBackend) speak(transport Transport) (protocol, why string) {
	known := xbackendProtocols[x.protocol()]
	unfit := "has protocol " + string(x.protocol()) + ", which does not carry "
	switch {
	case transport == Datagrams:
		return "", "has no protocol that carries datagrams"
	case transport == Connections:
		return proxyconfig.BackendTCP, ""
	case known.protocol == proxyconfig.BackendTCP:
		return "", unfit + "HTTP"
	case transport == Calls && !known.grpc:
		return "", unfit + "gRPC"
	case transport == Calls:
		return proxyconfig.BackendHTTP2, ""
	}
	return known.protocol, ""
}

// lookUpXBackend resolves a reference, whose port may be left out.
func (b *builder) lookUpXBackend(key BackendKey) *resolution {
	what := store.KindXBackend + " " + key.Service.String()
	x := b.xbackend(key.Service)
	if x == nil {
		return missing(what + " does not exist")
	}
	port := int32(x.Source.Spec.Port.Number)
	switch {
	case len(x.Problems) > 0:
		return &resolution{reason: ReasonInvalidXBackend,
			message: what + " is not valid: " + x.Problems.Message(string(gatewayv1.PolicyConditionAccepted))}
	case key.Port == 0:
		key.Port = port
		return b.resolve(key)
	case key.Port != port:
		return missing(what + " has no port " + itoa(key.Port))
	}
	protocol, why := x.speak(key.Transport)
	if why != "" {
		return &resolution{reason: gatewayv1.RouteReasonUnsupportedProtocol, message: what + " " + why}
	}
	if other, _ := x.speak(Requests); key.Transport == Calls && other == protocol {
		key.Transport = Requests
		return b.resolve(key)
	}
	backend := &Backend{Key: key, Protocol: protocol, TLS: x.TLS, Session: x.Session}
	if x.Hostname == "" {
		b.applyTraffic(backend)
		return b.endpoints(backend, b.in.XBackendSlices[key.Service], "")
	}
	backend.External = &proxyconfig.External{Hostname: x.Hostname, Forbidden: b.opts.Forbidden.at(port)}
	b.applyTraffic(backend)
	return &resolution{backend: backend}
}

// at returns the forbidden addresses of a port, sorted, each once.
func (f *ForbiddenBackends) at(port int32) []string {
	var list []string
	for address := range f.Listed {
		if int32(address.Port()) == port {
			list = append(list, address.String())
		}
	}
	if _, taken := nodePorts[uint16(port)]; taken {
		for _, node := range f.Nodes {
			list = append(list, netip.AddrPortFrom(node, uint16(port)).String())
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
