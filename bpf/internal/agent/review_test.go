package agent

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// reviewed is what an API server says of a token that it has issued to a pod for
// the agents, with some of it replaced.
func reviewed(old, new string) string {
	const status = `{"authenticated": true, "audiences": ["node-agent.fleetgate.io"], "user": {
		"username": "system:serviceaccount:shop:web-fleetgate", "extra": {
			"authentication.kubernetes.io/pod-name": ["web-1"], "authentication.kubernetes.io/pod-uid": ["uid-1"],
			"authentication.kubernetes.io/node-name": ["node-1"]}}}`
	return strings.Replace(status, old, new, 1)
}

// apiServer answers every review with a status, and keeps the last one that it
// was asked for.
func apiServer(t *testing.T, code int, status string) (*APIServer, *tokenReview) {
	t.Helper()
	asked := &tokenReview{}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if json.Unmarshal(body, asked) != nil || r.Header.Get("Authorization") != "Bearer own" ||
			r.URL.Path != "/apis/authentication.k8s.io/v1/tokenreviews" {
			t.Errorf("asked %s with %q for %s", r.URL, r.Header.Get("Authorization"), body)
		}
		w.WriteHeader(code)
		io.WriteString(w, `{"status": `+status+`}`)
	}))
	t.Cleanup(server.Close)
	folder := t.TempDir()
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	for name, data := range map[string][]byte{"token": []byte("own\n"), "ca.crt": authority} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	api, err := NewAPIServer(server.Listener.Addr().String(), folder)
	if err != nil {
		t.Fatal(err)
	}
	return api, asked
}

func TestAReviewSaysWhichPodATokenIsOf(t *testing.T) {
	api, asked := apiServer(t, http.StatusCreated, reviewed("", ""))
	got, err := api.Review(t.Context(), "theirs")
	if want := (Identity{Namespace: "shop", Pod: "web-1", UID: "uid-1", Node: "node-1"}); err != nil || got != want {
		t.Errorf("got %+v, error %v", got, err)
	}
	if asked.Spec.Token != "theirs" || !slices.Equal(asked.Spec.Audiences, []string{probe.NodeAgentAudience}) {
		t.Errorf("asked for %+v", asked.Spec)
	}
}

func TestTokensThatAreNotAPodsForTheAgentAreRefused(t *testing.T) {
	for _, tt := range []struct{ name, status string }{
		{"none that the API server knows", `{"error": "token expired"}`},
		{"of another audience", reviewed("node-agent.fleetgate.io", "https://kubernetes.default.svc")},
		{"reviewed by one that knows of no audiences", reviewed(`"audiences": ["node-agent.fleetgate.io"], `, "")},
		{"of a user", reviewed("system:serviceaccount:shop:web-fleetgate", "alice")},
		{"not bound to a pod", reviewed(`"authentication.kubernetes.io/pod-uid": ["uid-1"],`, "")},
		{"bound to two pods", reviewed(`["uid-1"]`, `["uid-1", "uid-2"]`)},
		{"of no node", reviewed(`"authentication.kubernetes.io/node-name": ["node-1"]`, `"x": []`)},
	} {
		api, _ := apiServer(t, http.StatusCreated, tt.status)
		if got, err := api.Review(t.Context(), "theirs"); !errors.Is(err, ErrNotAuthenticated) {
			t.Errorf("%s: got %+v, error %v", tt.name, got, err)
		}
	}
}

func TestAReviewThatIsNotMadeRefusesNobodyForGood(t *testing.T) {
	for _, tt := range []struct {
		name   string
		code   int
		status string
	}{
		{"the agent may not ask", http.StatusForbidden, reviewed("", "")},
		{"the answer is not JSON", http.StatusCreated, "<html>"},
		{"the answer has no end", http.StatusCreated, `{"error": "` + strings.Repeat("x", maxReview) + `"}`},
	} {
		api, _ := apiServer(t, tt.code, tt.status)
		if _, err := api.Review(t.Context(), "theirs"); err == nil || errors.Is(err, ErrNotAuthenticated) {
			t.Errorf("%s: got error %v", tt.name, err)
		}
	}
}
