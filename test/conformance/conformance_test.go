package conformance

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime"
	clientset "k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/gateway-api/conformance"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"

	"github.com/fleetgate/fleetgate/test/conformance/renaming"
)

var renamed = flag.Bool("renamed", false, "Whether to give the suite's objects other names and namespaces in the cluster")

// TestConformance runs the suite with its own flags, which `make conformance`
// sets. Features are inferred from the status of the GatewayClass.
func TestConformance(t *testing.T) {
	opts := conformance.DefaultOptions(t)
	if *renamed {
		rename(t, &opts)
	}
	conformance.RunConformanceWithOptions(t, opts)
}

// rename puts the renaming between the suite and the API server. The suite makes
// further clients of the same configuration.
func rename(t *testing.T, opts *suite.ConformanceOptions) {
	t.Helper()
	names, err := renaming.Read(conformance.Manifests)
	require.NoError(t, err, "error reading the names of the suite's manifests")
	config := opts.RestConfig
	config.ContentType = runtime.ContentTypeJSON
	config.Wrap(names.Transport)
	opts.Client, err = client.New(config, opts.ClientOptions)
	require.NoError(t, err, "error initializing the renaming client")
	opts.Clientset, err = clientset.NewForConfig(config)
	require.NoError(t, err, "error initializing the renaming clientset")
}
