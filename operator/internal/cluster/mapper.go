package cluster

import (
	"net/http"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// NewMapper returns a mapper that asks the API server for what it does not know, and finds
// what it knows without going through all groups: the client asks it for each request of
// some kinds, of which there are ten for each new Gateway.
func NewMapper(config *rest.Config, client *http.Client) (meta.RESTMapper, error) {
	mapper, err := apiutil.NewDynamicRESTMapper(config, client)
	if err != nil {
		return nil, err
	}
	return &mindfulMapper{RESTMapper: mapper}, nil
}

// mindfulMapper remembers the mappings of versions of kinds, as the mapper behind it does
// in a form that takes a search. That a kind is not there is not remembered. It is safe for
// concurrent use.
type mindfulMapper struct {
	meta.RESTMapper
	// known is from schema.GroupVersionKind to *meta.RESTMapping.
	known sync.Map
}

// RESTMapping implements meta.RESTMapper.
func (m *mindfulMapper) RESTMapping(gk schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	if len(versions) != 1 {
		return m.RESTMapper.RESTMapping(gk, versions...)
	}
	gvk := gk.WithVersion(versions[0])
	if mapping, known := m.known.Load(gvk); known {
		return mapping.(*meta.RESTMapping), nil
	}
	mapping, err := m.RESTMapper.RESTMapping(gk, versions...)
	if err == nil {
		m.known.Store(gvk, mapping)
	}
	return mapping, err
}
