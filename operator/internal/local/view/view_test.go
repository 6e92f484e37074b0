package view

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func service(namespace, name, team string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"team": team}}}
}

func newView(t *testing.T, objects ...client.Object) *View {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := clientgoscheme.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	indexes := NewIndexes(scheme)
	err := indexes.IndexField(t.Context(), &corev1.Service{}, "team", func(o client.Object) []string {
		return []string{o.GetLabels()["team"], "any"}
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := New(scheme, indexes, objects)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestGet(t *testing.T) {
	v := newView(t, service("a", "web", "x"), service("b", "web", "y"))
	var got corev1.Service
	if err := v.Get(t.Context(), types.NamespacedName{Namespace: "b", Name: "web"}, &got); err != nil || got.Labels["team"] != "y" {
		t.Errorf("%v, %+v", err, got)
	}
	got.Labels["team"] = "changed"
	var again corev1.Service
	if err := v.Get(t.Context(), types.NamespacedName{Namespace: "b", Name: "web"}, &again); err != nil || again.Labels["team"] != "y" {
		t.Errorf("the view was changed through what it returned: %v, %+v", err, again)
	}
	err := v.Get(t.Context(), types.NamespacedName{Namespace: "c", Name: "web"}, &got)
	if !apierrors.IsNotFound(err) {
		t.Errorf("a missing object: %v", err)
	}
}

func TestList(t *testing.T) {
	v := newView(t, service("a", "one", "x"), service("a", "two", "y"), service("b", "one", "x"))
	tests := []struct {
		name string
		opts []client.ListOption
		want []string
	}{
		{"all", nil, []string{"a/one", "a/two", "b/one"}},
		{"namespace", []client.ListOption{client.InNamespace("a")}, []string{"a/one", "a/two"}},
		{"labels", []client.ListOption{client.MatchingLabels{"team": "y"}}, []string{"a/two"}},
		{"index", []client.ListOption{client.MatchingFields{"team": "x"}}, []string{"a/one", "b/one"}},
		{"second value of an index", []client.ListOption{client.MatchingFields{"team": "any"}, client.InNamespace("b")}, []string{"b/one"}},
		{"nothing", []client.ListOption{client.MatchingFields{"team": "z"}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var list corev1.ServiceList
			if err := v.List(t.Context(), &list, tt.opts...); err != nil {
				t.Fatal(err)
			}
			var got []string
			for i := range list.Items {
				got = append(got, client.ObjectKeyFromObject(&list.Items[i]).String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestListByAnUnknownIndexIsAnError(t *testing.T) {
	var list corev1.ServiceList
	if err := newView(t).List(t.Context(), &list, client.MatchingFields{"color": "x"}); err == nil {
		t.Error("no error: the caller would take an empty list for the truth")
	}
}

func TestIndexTwiceIsAnError(t *testing.T) {
	v := newView(t)
	if err := v.indexes.IndexField(t.Context(), &corev1.Service{}, "team", nil); err == nil {
		t.Error("no error")
	}
}
