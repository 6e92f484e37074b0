package proxies

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// asked is a server with a count of the requests that got through to it.
func asked(t *testing.T, answer http.HandlerFunc) (server *httptest.Server, requests *int) {
	requests = new(int)
	server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*requests++
		answer(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, requests
}

func TestAsk(t *testing.T) {
	report := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"sequence": 7, "gatewayUID": "uid-1", "hash": "h"}`)
	}
	tests := []struct {
		name     string
		answer   http.HandlerFunc
		access   func(*Access)
		want     string
		requests int
	}{
		{"a report", report, nil, "", 1},
		{"for another Gateway", report, func(a *Access) { a.GatewayUID = "uid-2" }, "another Gateway", 1},
		{"with another token", report, func(a *Access) { a.Token = func() string { return "guessed" } }, "401", 1},
		// The token is not shown to whoever has another certificate.
		{"of another name", report, func(a *Access) { a.ServerName = "gw-other" }, "certificate", 0},
		{"that redirects", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://192.0.2.1/steal", http.StatusFound)
		}, nil, "302", 1},
		{"that is not JSON", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }, nil, "decoding", 1},
		{"that is endless", func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, strings.Repeat(" ", maxReport+1))
		}, nil, "too large", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server, requests := asked(t, tt.answer)
			access := Access{
				GatewayUID: "uid-1", ServerName: "example.com", Token: func() string { return "secret" },
				Authorities: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
			}
			if tt.access != nil {
				tt.access(&access)
			}
			c, err := newClient(access, server.Listener.Addr().(*net.TCPAddr).Port)
			if err != nil {
				t.Fatal(err)
			}
			line := c.line("127.0.0.1")
			got, err := line.ask(t.Context(), nil, time.Minute)
			switch {
			case tt.want == "" && (err != nil || got.Hash != "h" || got.Sequence != 7):
				t.Errorf("got %+v, %v", got, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows the token: %v", err)
			}
			line.close()
			server.Close()
			if *requests != tt.requests {
				t.Errorf("%d requests got through", *requests)
			}
		})
	}
}
