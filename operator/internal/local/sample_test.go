package local

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/local/folder"
	"github.com/fleetgate/fleetgate/operator/internal/status"
)

// The sample is what a newcomer reads first: it must translate without a
// complaint, into a fleet of its own for each tenant.
func TestSample(t *testing.T) {
	all := translateSample(t, "local")
	if got := served(all); len(got) != 2 || got[0].Key.String() != "tenant-a/web" || got[1].Key.String() != "tenant-b/web" {
		t.Fatalf("served: %+v", got)
	}
	for _, one := range all {
		set := status.Build(one.graph, status.Observed{Wanted: 1})
		for _, route := range set.Routes {
			if found := bad(route.Name.String(), "", route.Parents[0].Conditions); len(found) != 0 {
				t.Errorf("%+v", found)
			}
		}
		var weights []int32
		for _, b := range one.config.Routes[0].Rules[0].Backends {
			weights = append(weights, b.Weight)
		}
		if diff := cmp.Diff([]int32{90, 10}, weights); diff != "" {
			t.Error(diff)
		}
		want := []proxyconfig.Endpoint{{Address: "127.0.0.1", Port: 9081}}
		if diff := cmp.Diff(want, one.config.Backends[0].Endpoints); diff != "" {
			t.Error(diff)
		}
	}
}

// translateSample translates a folder of samples, to which it adds objects.
func translateSample(t *testing.T, dir string, objects ...client.Object) []*translation {
	t.Helper()
	scheme, err := newScheme()
	if err != nil {
		t.Fatal(err)
	}
	loaded := folder.New(folder.Options{Dir: "../../../config/samples/" + dir, Scheme: scheme, Now: time.Now}).Load()
	if len(loaded.Problems) != 0 {
		t.Fatalf("problems: %v", loaded.Problems)
	}
	p, err := newPipeline(t.Context(), scheme, defaultController)
	if err != nil {
		t.Fatal(err)
	}
	all, err := p.run(t.Context(), append(objects, loaded.Objects...))
	if err != nil {
		t.Fatal(err)
	}
	return all
}
