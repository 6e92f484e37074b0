package otlp

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/tracing"
)

// scope is the name of what makes the spans.
const scope = "github.com/fleetgate/fleetgate/proxy"

// pipeline makes spans for one collector. It belongs to one goroutine.
type pipeline struct {
	spans    *snapshot.Spans
	tracer   trace.Tracer
	exporter *otlptrace.Exporter
	client   *client
	// ids are those of the next span.
	ids identifiers
	// batch is what was not sent yet.
	batch []sdktrace.ReadOnlySpan
}

func newPipeline(o *Options, s *snapshot.Spans) *pipeline {
	p := &pipeline{spans: s, client: newClient(o, s)}
	p.exporter = otlptrace.NewUnstarted(p.client)
	// The exporter sends nothing before it was started, which does nothing else.
	_ = p.exporter.Start(context.Background())
	attributes := []attribute.KeyValue{attribute.String("service.name", s.ServiceName)}
	if o.Version != "" {
		attributes = append(attributes, attribute.String("service.version", o.Version))
	}
	if o.Instance != "" {
		attributes = append(attributes, attribute.String("service.instance.id", o.Instance))
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.AlwaysSample()),
		sdktrace.WithIDGenerator(&p.ids),
		sdktrace.WithResource(resource.NewSchemaless(attributes...)),
		sdktrace.WithSpanProcessor((*processor)(p)),
	)
	p.tracer = provider.Tracer(scope, trace.WithInstrumentationVersion(o.Version))
	return p
}

func (p *pipeline) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	_ = p.exporter.Shutdown(ctx)
}

// add makes the spans of a request.
func (p *pipeline) add(r *tracing.Request) {
	d := describe(r, p.spans.ServiceName)
	p.ids = identifiers{trace.TraceID(r.Trace), trace.SpanID(r.Span)}
	ctx, span := p.tracer.Start(parentOf(r), d.name(),
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(r.Start), trace.WithAttributes(d.server()...))
	for i := range r.Attempts {
		p.addAttempt(ctx, d, &r.Attempts[i], i)
	}
	if r.Status >= 500 || r.Error != "" {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(r.End))
}

func (p *pipeline) addAttempt(ctx context.Context, d *description, a *tracing.Attempt, repeats int) {
	p.ids.span = trace.SpanID(a.Span)
	_, span := p.tracer.Start(ctx, d.method(),
		trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(a.Start), trace.WithAttributes(d.attempt(a, repeats)...))
	if a.Error != "" {
		span.SetStatus(codes.Error, "")
	}
	end := a.End
	if end.IsZero() {
		end = d.request.End
	}
	span.End(trace.WithTimestamp(end))
}

// parentOf is what the request's span is a child of.
func parentOf(r *tracing.Request) context.Context {
	ctx := context.Background()
	if r.Parent == (tracing.SpanID{}) {
		return ctx
	}
	// What cannot be parsed was passed on, but is nothing to report.
	state, _ := trace.ParseTraceState(r.State)
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID(r.Trace), SpanID: trace.SpanID(r.Parent), TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true,
	}))
}

// identifiers are those that a span has by what was sent to the backend already.
// They implement sdktrace.IDGenerator.
type identifiers struct {
	trace trace.TraceID
	span  trace.SpanID
}

// NewIDs implements sdktrace.IDGenerator.
func (g *identifiers) NewIDs(context.Context) (trace.TraceID, trace.SpanID) { return g.trace, g.span }

// NewSpanID implements sdktrace.IDGenerator.
func (g *identifiers) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return g.span }

// processor puts ended spans into the batch. It implements
// sdktrace.SpanProcessor.
type processor pipeline

// OnStart implements sdktrace.SpanProcessor.
func (*processor) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor.
func (p *processor) OnEnd(s sdktrace.ReadOnlySpan) { p.batch = append(p.batch, s) }

// Shutdown implements sdktrace.SpanProcessor.
func (*processor) Shutdown(context.Context) error { return nil }

// ForceFlush implements sdktrace.SpanProcessor.
func (*processor) ForceFlush(context.Context) error { return nil }
