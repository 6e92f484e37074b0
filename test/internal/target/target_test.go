package target

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/edge"
)

func TestMain(m *testing.M) { edge.Main(m) }

// backend answers every request with the text.
func backend(t *testing.T, text string) Backend {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }))
	t.Cleanup(s.Close)
	return Backend{Address: s.Listener.Addr().String()}
}

func TestHostBHasABackendOfItsOwn(t *testing.T) {
	p := Start(t, backend(t, "one"), backend(t, "two"))
	for range 3 {
		for host, want := range map[string]string{HostA: "one", HostB: "two", "other.example": "one"} {
			for _, scheme := range []string{"http", "https"} {
				if got := get(t, p, scheme, host); got != want {
					t.Errorf("%s for %s: got %q, want %q", scheme, host, got, want)
				}
			}
		}
		p.Reload()
	}
	if u, err := p.Usage(); err != nil || u.RSS < 1<<20 {
		t.Errorf("implausible: %+v, %v", u, err)
	}
}

func get(t *testing.T, p *Proxy, scheme, host string) string {
	t.Helper()
	address, name := p.Plain, host
	if scheme == "https" {
		address = p.TLS
	}
	if host != HostA && host != HostB {
		// It has no certificate; its requests come without a server name.
		name = ""
	}
	config := p.ClientTLS(name)
	config.InsecureSkipVerify = name == ""
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}}
	request, err := http.NewRequest(http.MethodGet, scheme+"://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
