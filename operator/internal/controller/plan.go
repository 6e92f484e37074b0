package controller

import (
	"bytes"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/edition"
	"github.com/fleetgate/fleetgate/operator/internal/graph"
	"github.com/fleetgate/fleetgate/operator/internal/names"
	"github.com/fleetgate/fleetgate/operator/internal/parameters"
	"github.com/fleetgate/fleetgate/operator/internal/provision"
	"github.com/fleetgate/fleetgate/operator/internal/render"
	"github.com/fleetgate/fleetgate/operator/internal/store"
)

// plan is all that follows from the resources of one Gateway.
type plan struct {
	graph  *graph.Graph
	config proxyconfig.Config
	// edition tells the configuration from the one of the plan before.
	edition      *edition.Edition
	certificates certificates
	// desired is what the fleet is to consist of with these settings, and steady says
	// that it was seen to: then it is an outline.
	desired  provision.Result
	settings provision.Settings
	steady   bool
	// refusals are the fields of parameters that have no effect.
	refusals []parameters.Refusal
}

// certificates are the data of the Secrets with the certificates, by shard.
type certificates [names.CertificateShards]map[string][]byte

func (c *certificates) equal(other *certificates) bool {
	for shard := range c {
		if !maps.EqualFunc(c[shard], other[shard], bytes.Equal) {
			return false
		}
	}
	return true
}

// Translate turns resources into a graph. It is (*graph.Memory).Build, except in
// tests.
type Translate func(*graph.Memory, *store.Resources, graph.Options) *graph.Graph

func makePlan(translate Translate, known *memory, resources *store.Resources, opts graph.Options, settings provision.Settings) plan {
	g := translate(&known.graph, resources, opts)
	var desired provision.Result
	steady := known.steady.follows(g.Gateway, &settings)
	if steady {
		desired = known.steady.desired
	} else {
		known.steady, desired = nil, provision.Desired(g, settings)
	}
	config := known.rules.Config(g)
	render.LogByDefault(&config, settings.AccessLog)
	return plan{
		graph:        g,
		config:       config,
		edition:      known.rules.Edition(),
		certificates: render.CertificateSecrets(g),
		desired:      desired,
		settings:     settings,
		steady:       steady,
		refusals:     slices.Concat(g.Gateway.Refusals, desired.Refused),
	}
}

// panicError is a panic of the pure part of the pipeline.
type panicError struct {
	value any
	stack []byte
	// with is the object that it takes for the panic, where that is known and no plan can
	// be made without it.
	with string
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// contain calls a pure function and turns a panic into an error. Nothing that
// the function may have left half done is seen by anybody.
func contain(pure func()) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value: value, stack: debug.Stack()}
		}
	}()
	pure()
	return nil
}
