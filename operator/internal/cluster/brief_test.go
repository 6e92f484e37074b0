package cluster

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// scribe plays the part of an API server that takes ConfigMaps.
type scribe struct {
	t      *testing.T
	codecs serializer.CodecFactory
	// asked are the method and path of the last request, and accepted what it asked for.
	asked, accepted string
	got             corev1.ConfigMap
	refuse          bool
}

func newScribe(t *testing.T) (*scribe, *brief) {
	scheme, err := NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	s := &scribe{t: t, codecs: serializer.NewCodecFactory(scheme)}
	return s, briefTo(t, s, corev1.SchemeGroupVersion.WithKind("ConfigMap"))
}

// briefTo returns a brief that writes objects of a kind to a server.
func briefTo(t *testing.T, api http.Handler, kind schema.GroupVersionKind) *brief {
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(kind, meta.RESTScopeNamespace)
	b, err := newBrief(nil, &rest.Config{Host: server.URL}, client.Options{HTTPClient: server.Client(), Mapper: mapper})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *scribe) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked, s.accepted = r.Method+" "+r.URL.String(), r.Header.Get("Accept")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	s.got = corev1.ConfigMap{}
	if err := s.got.Unmarshal(envelope(s.t, body)); err != nil {
		s.t.Errorf("what was sent is no ConfigMap in the binary form: %v", err)
	}
	answer := runtime.Object(&metav1.PartialObjectMetadata{
		TypeMeta:   metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata"},
		ObjectMeta: metav1.ObjectMeta{Name: "config", Namespace: "tenant", UID: "uid", ResourceVersion: "7", Annotations: map[string]string{"by": "a webhook"}},
	})
	status := http.StatusCreated
	if s.refuse {
		conflict := apierrors.NewConflict(corev1.Resource("configmaps"), "config", nil).Status()
		conflict.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
		answer, status = &conflict, http.StatusConflict
	}
	info, _ := runtime.SerializerInfoForMediaType(s.codecs.SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	w.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
	w.WriteHeader(status)
	if err := info.Serializer.Encode(answer, w); err != nil {
		s.t.Error(err)
	}
}

// envelope returns what is in the envelope of the binary form.
func envelope(t *testing.T, body []byte) []byte {
	t.Helper()
	var unknown runtime.Unknown
	if len(body) < 4 {
		t.Fatal("there is no body")
	}
	if err := unknown.Unmarshal(body[4:]); err != nil {
		t.Fatal(err)
	}
	return unknown.Raw
}

func TestWritesAreAnsweredWithTheMetadataAlone(t *testing.T) {
	s, b := newScribe(t)
	object := func() *corev1.ConfigMap {
		return &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "config", Namespace: "tenant"}, Data: map[string]string{"key": "value"},
		}
	}
	for want, write := range map[string]func(*corev1.ConfigMap) error{
		"POST /api/v1/namespaces/tenant/configmaps?fieldManager=me": func(object *corev1.ConfigMap) error {
			return b.Create(t.Context(), object, client.FieldOwner("me"))
		},
		"PUT /api/v1/namespaces/tenant/configmaps/config?fieldManager=me": func(object *corev1.ConfigMap) error {
			return b.Update(t.Context(), object, client.FieldOwner("me"))
		},
	} {
		object := object()
		if err := write(object); err != nil || s.asked != want || s.got.Data["key"] != "value" || s.accepted != metadataAlone {
			t.Errorf("%s: got %v for %s with %v, which accepts %s", want, err, s.asked, s.got.Data, s.accepted)
		}
		if object.UID != "uid" || object.ResourceVersion != "7" || object.Annotations["by"] != "a webhook" || object.Data["key"] != "value" {
			t.Errorf("%s: the object is %+v afterwards", want, object)
		}
	}
}

// Objects are encoded into what others have been sent from.
func TestBodiesAreOfOneObject(t *testing.T) {
	s, b := newScribe(t)
	for _, n := range []int{100_000, 1, 0, 5_000, 200_000, 3} {
		value := strings.Repeat(strconv.Itoa(n%7), n)
		object := &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "config", Namespace: "tenant"}, Data: map[string]string{"key": value},
		}
		if err := b.Update(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		if s.got.Data["key"] != value || len(s.got.Data) != 1 || s.got.Name != "config" {
			t.Errorf("of %d bytes %d were sent, as %+v", n, len(s.got.Data["key"]), s.got.ObjectMeta)
		}
		if object.Kind != "" || object.APIVersion != "" {
			t.Errorf("the object is a %s %s afterwards", object.APIVersion, object.Kind)
		}
	}
}

func TestKindsWithoutABinaryFormAreSentAsJSON(t *testing.T) {
	asked := ""
	api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type")
		w.Header().Set("Content-Type", runtime.ContentTypeJSON)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{"name":"web","namespace":"tenant","uid":"uid"}}`)
	})
	b := briefTo(t, api, monitoringv1.SchemeGroupVersion.WithKind("ServiceMonitor"))
	monitor := &monitoringv1.ServiceMonitor{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "tenant"}}
	err := b.Create(t.Context(), monitor)
	const want = "POST /apis/monitoring.coreos.com/v1/namespaces/tenant/servicemonitors application/json"
	if err != nil || asked != want || monitor.UID != "uid" {
		t.Errorf("got %q, %v, and the UID %q", asked, err, monitor.UID)
	}
}

func TestRefusedWritesKeepTheirReason(t *testing.T) {
	s, b := newScribe(t)
	s.refuse = true
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "config", Namespace: "tenant"}}
	if err := b.Update(t.Context(), object); !apierrors.IsConflict(err) {
		t.Errorf("got %v", err)
	}
}
