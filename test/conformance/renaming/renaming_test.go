package renaming

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

const manifest = `
apiVersion: v1
kind: Namespace
metadata:
  name: infra
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: web-1
  namespace: infra
spec:
  listeners:
  - name: https
    tls:
      certificateRefs:
      - name: certificate
        namespace: secrets
`

func names(t *testing.T, text string) *Names {
	t.Helper()
	n, err := Read(fstest.MapFS{"base/all.yaml": {Data: []byte(text)}, "tests/readme.txt": {Data: []byte(":")}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestNamesOfObjectsAndReferencesAreRenamed(t *testing.T) {
	n := names(t, manifest)
	for name, want := range map[string]string{
		"infra": "vasen", "web-1": "jro-1", "certificate": "pregvsvpngr", "secrets": "frpergf",
		"https": "https", "web-10": "web-10", "": "",
	} {
		if got := n.Other(name); got != want {
			t.Errorf("%q is renamed to %q, want %q", name, got, want)
		}
		if got := n.Other(want); got != name {
			t.Errorf("%q is named back to %q, want %q", want, got, name)
		}
	}
}

func TestNameThatIsTheOtherOneOfAnotherIsRefused(t *testing.T) {
	_, err := Read(fstest.MapFS{"a.yaml": {Data: []byte("metadata: {name: infra, namespace: vasen}")}})
	if err == nil || !strings.Contains(err.Error(), `"vasen"`) {
		t.Errorf("the error is %v, want one that tells the names", err)
	}
}

func TestPodsKeepSayingWhoTheyAre(t *testing.T) {
	const deployment = `{"metadata":{"name":"web-1","namespace":"infra","generation":12345678901234567890},"spec":{"template":{"spec":{"containers":[{"name":"web-1","env":[` +
		`{"name":"POD_NAME","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},` +
		`{"name":"NAMESPACE","valueFrom":{"fieldRef":{"fieldPath":"metadata.namespace"}}},{"name":"SERVICE_NAME","value":"web-1"}]}]}}}}`
	const want = `{"metadata":{"generation":12345678901234567890,"name":"jro-1","namespace":"vasen"},"spec":{"template":{"spec":{"containers":[{"env":[` +
		`{"name":"POD_NAME","value":"web-1-renamed-pod"},{"name":"NAMESPACE","value":"infra"},{"name":"SERVICE_NAME","value":"web-1"}],"name":"jro-1"}]}}}}`
	got, err := names(t, manifest).body([]byte(deployment), true)
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

func TestValuesOfHeadersAreKept(t *testing.T) {
	const filter = `{"set":[{"name":"web-1","value":"web-1"}],"value":{"name":"web-1"}}`
	const want = `{"set":[{"name":"jro-1","value":"web-1"}],"value":{"name":"jro-1"}}`
	got, err := names(t, manifest).body([]byte(filter), true)
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
}

func TestServerSeesOtherNamesThanTheClient(t *testing.T) {
	var asked, sent string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked, sent = r.URL.RequestURI(), string(body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"metadata":{"name":"jro-1"}}`)
	}))
	defer server.Close()
	http1 := &http.Client{Transport: names(t, manifest).Transport(http.DefaultTransport)}
	resp, err := http1.Post(server.URL+"/namespaces/infra/gateways/web-1?labelSelector=app%3Dweb-1%2Ca%21%3Db", "application/json",
		strings.NewReader(`{"spec":{"name":"web-1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if want := `{"metadata":{"name":"web-1"}}`; err != nil || string(got) != want {
		t.Errorf("the client reads %s, %v, want %s", got, err, want)
	}
	if want := "/namespaces/vasen/gateways/jro-1?labelSelector=app%3Djro-1%2Ca%21%3Db"; asked != want {
		t.Errorf("the server is asked for %s, want %s", asked, want)
	}
	if want := `{"spec":{"name":"jro-1"}}`; sent != want {
		t.Errorf("the server is sent %s, want %s", sent, want)
	}
}

func TestWatchIsRefused(t *testing.T) {
	http1 := &http.Client{Transport: names(t, manifest).Transport(http.DefaultTransport)}
	resp, err := http1.Get("http://127.0.0.1:1/pods?watch=true")
	if err == nil {
		resp.Body.Close()
		t.Fatal("a watch is let through")
	}
	if !strings.Contains(err.Error(), "watch") {
		t.Errorf("the error is %v, want one about the watch", err)
	}
}
