package graph

import (
	"cmp"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayxv1alpha1 "sigs.k8s.io/gateway-api/apisx/v1alpha1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// TelemetryPolicy is an XTelemetryPolicy that targets the Gateway. One that is not
// valid has no effect, and keeps later ones from having any (GEP-4768).
type TelemetryPolicy struct {
	PolicyNode
	Source *gatewayxv1alpha1.XTelemetryPolicy
	// Tracing is what the policy asks for; nil for nothing.
	Tracing *Tracing
}

// Tracing is what is recorded of requests, and where it goes.
type Tracing struct {
	// Collector takes the spans.
	Collector *Backend
	// Headers are the fields that requests to the collector have, as the contract's
	// Tracing.Headers has them; nil for none. They may be credentials, and travel
	// like the key of a certificate.
	Headers *Certificate

	ServiceName, SpanName string
	// Sampling is of requests without a decision that is followed; ParentSampling
	// is of those with one, and nil where none is.
	Sampling       proxyconfig.Fraction
	ParentSampling *proxyconfig.Fraction
	Attributes     []proxyconfig.SpanAttribute
}

// everything is the share that is sampled where the policy names none, as the
// default of OpenTelemetry has it.
var everything = proxyconfig.Fraction{Numerator: 1, Denominator: 1}

// telemetryPolicies validates the policies, each by itself, and returns them
// sorted by namespace and name with what the one that applies asks for: the
// oldest, then the one whose "namespace/name" comes first.
func (b *builder) telemetryPolicies() ([]*TelemetryPolicy, *Tracing) {
	var all []*TelemetryPolicy
	own := types.NamespacedName{Namespace: b.in.Gateway.Namespace, Name: b.in.Gateway.Name}
	for _, source := range b.in.TelemetryPolicies {
		if slices.Contains(store.TargetGateways(source), own) {
			all = append(all, b.telemetryPolicy(source))
		}
	}
	slices.SortFunc(all, func(x, y *TelemetryPolicy) int {
		return cmp.Or(
			x.Meta.CreationTimestamp.Compare(y.Meta.CreationTimestamp.Time),
			cmp.Compare(x.Name().String(), y.Name().String()),
		)
	})
	if len(all) == 0 {
		return nil, nil
	}
	winner := all[0]
	for _, loser := range all[1:] {
		loser.outdo(winner)
	}
	slices.SortFunc(all, func(x, y *TelemetryPolicy) int { return compareNames(x.Name(), y.Name()) })
	return all, winner.Tracing
}

// outdo has the policy lose to another one.
func (p *TelemetryPolicy) outdo(winner *TelemetryPolicy) {
	own := p.Problems
	p.Problems, p.Tracing = nil, nil
	p.refuse(gatewayv1.PolicyReasonConflicted, "the Gateway is targeted by %s %s, which takes precedence", winner.Kind, winner.Name())
	p.Problems = append(p.Problems, own...)
}

func (p *TelemetryPolicy) unresolved(reason gatewayv1.PolicyConditionReason, format string, args ...any) {
	p.Problems.Add(string(gatewayxv1alpha1.TelemetryPolicyConditionResolvedRefs), string(reason), format, args...)
}

func (p *TelemetryPolicy) invalid(format string, args ...any) {
	p.refuse(gatewayv1.PolicyReasonInvalid, "spec.tracing"+format, args...)
}

func (p *TelemetryPolicy) note(text string) { p.Notes = append(p.Notes, text) }

func (b *builder) telemetryPolicy(source *gatewayxv1alpha1.XTelemetryPolicy) *TelemetryPolicy {
	p := &TelemetryPolicy{PolicyNode: PolicyNode{Kind: store.KindTelemetryPolicy, Meta: &source.ObjectMeta}, Source: source}
	if b.checkBroken(&p.PolicyNode) {
		return p
	}
	b.checkRoom(&p.PolicyNode, source)
	for i, ref := range source.Spec.TargetRefs {
		if ref.Group != gatewayv1.GroupName || ref.Kind != "Gateway" {
			p.note("spec.targetRefs[" + strconv.Itoa(i) + "] is no Gateway and has no effect")
		}
	}
	switch mode := source.Spec.Tracing.Mode; mode {
	case gatewayxv1alpha1.TracingModeEnabled:
		b.readTracing(p)
	case gatewayxv1alpha1.TracingModeDisabled:
	case gatewayxv1alpha1.TracingModeImplementationDefault, "":
		p.note("the default of this implementation is that nothing is traced")
	default:
		p.invalid(".mode %q is not known", mode)
	}
	// Some endpoints of a collector may be forbidden, and the others serve.
	if p.Tracing != nil && (p.Tracing.Collector == nil || p.Problems.Has(string(gatewayv1.PolicyConditionAccepted))) {
		p.Tracing = nil
	}
	return p
}

func (b *builder) readTracing(p *TelemetryPolicy) {
	source := &p.Source.Spec.Tracing
	gateway := b.in.Gateway
	p.Tracing = &Tracing{
		Headers:     p.sealHeaders(),
		ServiceName: cmp.Or(source.ServiceName, gateway.Name+"."+gateway.Namespace),
		SpanName:    source.SpanName,
		Sampling:    p.share(".samplingRate", source.SamplingRate),
	}
	p.readParentSampling(&source.ParentBasedSampling)
	p.readAttributes(source.Attributes)
	p.checkExportHeaders(source.Provider.Headers)
	p.Tracing.Collector = b.collector(p, &source.Provider.BackendRef)
}

// share reads a sampling rate.
func (p *TelemetryPolicy) share(field string, source *gatewayv1.Fraction) proxyconfig.Fraction {
	if source == nil {
		return everything
	}
	share := proxyconfig.Fraction{Numerator: source.Numerator, Denominator: value(source.Denominator, 100)}
	if share.Denominator < 1 || share.Numerator < 0 || share.Numerator > share.Denominator {
		p.invalid("%s: %d of %d is no share of the requests", field, share.Numerator, share.Denominator)
	}
	return share
}

// readParentSampling follows the decisions of parents by default, as
// OpenTelemetry does.
func (p *TelemetryPolicy) readParentSampling(source *gatewayxv1alpha1.ParentBasedSampling) {
	switch source.Mode {
	case gatewayxv1alpha1.ParentBasedSamplingModeEnabled, gatewayxv1alpha1.ParentBasedSamplingModeImplementationDefault, "":
		share := p.share(".parentBasedSampling.samplingRate", source.SamplingRate)
		p.Tracing.ParentSampling = &share
	case gatewayxv1alpha1.ParentBasedSamplingModeDisabled:
	default:
		p.invalid(".parentBasedSampling.mode %q is not known", source.Mode)
	}
}

func (p *TelemetryPolicy) readAttributes(sources []gatewayxv1alpha1.Attribute) {
	for i := range sources {
		source := &sources[i]
		field := ".attributes[" + strconv.Itoa(i) + "]"
		attribute := proxyconfig.SpanAttribute{Name: string(source.Name)}
		switch source.SourceType {
		case gatewayxv1alpha1.AttributeSourceLiteral:
			attribute.Literal = source.LiteralValue
		case gatewayxv1alpha1.AttributeSourceHeader:
			attribute.Header = p.attributeHeader(field, string(source.HeaderName))
		case gatewayxv1alpha1.AttributeSourceAttribute:
			if attribute.Key = source.AttributeKey; attribute.Key != "" && !slices.Contains(proxyconfig.SpanKeys(), attribute.Key) {
				p.note("spec.tracing" + field + ".attributeKey " + strconv.Quote(attribute.Key) + " is not supported and has no effect")
				continue
			}
		default:
			p.invalid("%s.sourceType %q is not known", field, source.SourceType)
			continue
		}
		if attribute.Name == "" || attribute == (proxyconfig.SpanAttribute{Name: attribute.Name}) {
			p.invalid("%s has no name, or nothing for sourceType %s", field, source.SourceType)
			continue
		}
		p.Tracing.Attributes = append(p.Tracing.Attributes, attribute)
	}
}

// attributeHeader refuses what would bring credentials to where spans are read.
func (p *TelemetryPolicy) attributeHeader(field, name string) string {
	switch {
	case name != "" && !token.MatchString(name):
		p.invalid("%s.headerName %q is not a valid name of a header", field, name)
	case proxyconfig.CarriesCredentials(name):
		p.invalid("%s.headerName %s carries credentials, which are not recorded", field, name)
	}
	return name
}
