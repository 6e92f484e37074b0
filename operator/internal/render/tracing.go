package render

import (
	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
)

func tracing(node *graph.Tracing) *proxyconfig.Tracing {
	if node == nil {
		return nil
	}
	out := &proxyconfig.Tracing{
		Collector:      backendID(node.Collector.Key),
		Authority:      authority(node.Collector),
		ServiceName:    node.ServiceName,
		SpanName:       node.SpanName,
		Sampling:       node.Sampling,
		ParentSampling: node.ParentSampling,
		Attributes:     node.Attributes,
	}
	if node.Headers != nil {
		out.Headers = &certificateRefs([]*graph.Certificate{node.Headers})[0]
	}
	return out
}
