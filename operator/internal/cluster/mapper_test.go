package cluster

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// asked counts what a mapper is asked.
type asked struct {
	meta.RESTMapper
	times int
}

func (a *asked) RESTMapping(gk schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	a.times++
	return a.RESTMapper.RESTMapping(gk, versions...)
}

func TestAMapperRemembersWhatIsThere(t *testing.T) {
	kinds := meta.NewDefaultRESTMapper(nil)
	behind := &asked{RESTMapper: kinds}
	mapper := &mindfulMapper{RESTMapper: behind}
	kind := corev1.SchemeGroupVersion.WithKind("ConfigMap")
	for range 2 {
		if _, err := mapper.RESTMapping(kind.GroupKind(), kind.Version); !meta.IsNoMatchError(err) {
			t.Fatalf("a kind that is not there: %v", err)
		}
	}
	kinds.Add(kind, meta.RESTScopeNamespace)
	for range 2 {
		mapping, err := mapper.RESTMapping(kind.GroupKind(), kind.Version)
		if err != nil || mapping.GroupVersionKind != kind {
			t.Fatalf("a kind that has come: %v, %v", mapping, err)
		}
	}
	if behind.times != 3 {
		t.Errorf("the mapper behind was asked %d times, want 3", behind.times)
	}
}
