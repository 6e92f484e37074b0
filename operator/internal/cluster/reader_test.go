package cluster

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

// counting counts what is read.
type counting struct {
	client.Client
	reads int
}

func (c *counting) Get(ctx context.Context, key types.NamespacedName, into client.Object, opts ...client.GetOption) error {
	c.reads++
	return c.Client.Get(ctx, key, into, opts...)
}

func TestSecretsAreReadOncePerVersion(t *testing.T) {
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "cert"}, Data: map[string][]byte{"v": []byte("1")}}
	api := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(secret).Build()
	live := &counting{Client: api}
	now := time.Unix(1e9, 0)
	reader := NewReader(api, live, nil, func() time.Time { return now })
	read := func(name string) (string, error) {
		got := &corev1.Secret{}
		err := reader.Get(t.Context(), types.NamespacedName{Namespace: "ns", Name: name}, got)
		return string(got.Data["v"]), err
	}
	for range 3 {
		if got, err := read("cert"); got != "1" || err != nil || live.reads != 1 {
			t.Fatalf("got %q, %v after %d reads", got, err, live.reads)
		}
	}

	fresh := secret.DeepCopy()
	fresh.ResourceVersion = ""
	fresh.Data["v"] = []byte("2")
	if err := api.Update(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	if got, err := read("cert"); got != "2" || err != nil || live.reads != 2 {
		t.Errorf("got %q, %v after %d reads", got, err, live.reads)
	}

	if _, err := read("missing"); !apierrors.IsNotFound(err) || live.reads != 2 {
		t.Errorf("got %v after %d reads", err, live.reads)
	}
	if err := api.Delete(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	if _, err := read("cert"); !apierrors.IsNotFound(err) || len(reader.secrets.objects) != 0 {
		t.Errorf("got %v, and %d Secrets are kept", err, len(reader.secrets.objects))
	}
}

// Of a ConfigMap, only the certificates are kept, and it is read again only when it has changed.
func TestConfigMapsAreReadOncePerVersion(t *testing.T) {
	bundle := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "ca"}, Data: map[string]string{"ca.crt": "1", "big": "b"},
	}
	api := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(bundle).Build()
	live := &counting{Client: api}
	reader := NewReader(api, live, nil, time.Now)
	for want := 1; want < 3; want++ {
		for range 2 {
			got := &corev1.ConfigMap{}
			if err := reader.Get(t.Context(), client.ObjectKeyFromObject(bundle), got); err != nil {
				t.Fatal(err)
			}
			if got.Data["ca.crt"] != fmt.Sprint(want) || len(got.Data) != 1 || got.ResourceVersion == "" || live.reads != want {
				t.Errorf("got %+v after %d reads, want version %d", got, live.reads, want)
			}
		}
		next := bundle.DeepCopy()
		next.ResourceVersion, next.Data["ca.crt"] = "", fmt.Sprint(want+1)
		if err := api.Update(t.Context(), next); err != nil {
			t.Fatal(err)
		}
	}
}

func TestForgottenSecretsAreDropped(t *testing.T) {
	var objects []client.Object
	for _, name := range []string{"old", "new"} {
		objects = append(objects, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name}})
	}
	api := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(objects...).Build()
	now := time.Unix(1e9, 0)
	reader := NewReader(api, api, nil, func() time.Time { return now })
	for _, name := range []string{"old", "new"} {
		if err := reader.Get(t.Context(), types.NamespacedName{Namespace: "ns", Name: name}, &corev1.Secret{}); err != nil {
			t.Fatal(err)
		}
		now = now.Add(2 * dataLife)
	}
	if len(reader.secrets.objects) != 1 {
		t.Errorf("%d Secrets are kept", len(reader.secrets.objects))
	}
}

func TestUnwatchedNamespacesAreEmpty(t *testing.T) {
	var objects []client.Object
	for _, ns := range []string{"watched", "other"} {
		objects = append(objects, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "svc"}})
	}
	objects = append(objects, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "other"}})
	api := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(objects...).Build()
	reader := NewReader(api, api, []string{"watched"}, time.Now)
	for ns, want := range map[string]bool{"watched": true, "other": false} {
		err := reader.Get(t.Context(), types.NamespacedName{Namespace: ns, Name: "svc"}, &corev1.Service{})
		if (err == nil) != want || client.IgnoreNotFound(err) != nil {
			t.Errorf("%s: got %v", ns, err)
		}
		var list corev1.ServiceList
		if err := reader.List(t.Context(), &list, client.InNamespace(ns)); err != nil || (len(list.Items) == 1) != want {
			t.Errorf("%s: got %d, %v", ns, len(list.Items), err)
		}
	}
	if err := reader.Get(t.Context(), types.NamespacedName{Name: "other"}, &corev1.Namespace{}); err != nil {
		t.Errorf("a cluster-wide object: %v", err)
	}
}

// The API servers' addresses are needed whatever is watched.
func TestTheAPIServersAreKnownEverywhere(t *testing.T) {
	api := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(
		&discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "kubernetes"}},
		&discoveryv1.EndpointSlice{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "other"}},
	).Build()
	reader := NewReader(api, api, []string{"watched"}, time.Now)
	for name, want := range map[string]bool{"kubernetes": true, "other": false} {
		err := reader.Get(t.Context(), types.NamespacedName{Namespace: "default", Name: name}, &discoveryv1.EndpointSlice{})
		if (err == nil) != want || client.IgnoreNotFound(err) != nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, tt := range []struct {
		watched []string
		want    map[string]string
	}{
		{nil, nil},
		{[]string{"a"}, map[string]string{"a": "", "default": "metadata.name=kubernetes"}},
		{[]string{"default"}, map[string]string{"default": ""}},
	} {
		got := watchedSlices(tt.watched)
		if len(got) != len(tt.want) {
			t.Errorf("%v: slices of %d namespaces are cached, want %v", tt.watched, len(got), tt.want)
		}
		for namespace, selector := range tt.want {
			if has := got[namespace].FieldSelector; (selector == "") != (has == nil) || has != nil && has.String() != selector {
				t.Errorf("%v: in %s got %v, want %q", tt.watched, namespace, has, selector)
			}
		}
	}
}
