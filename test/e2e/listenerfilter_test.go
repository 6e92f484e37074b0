package e2e

import (
	"fmt"
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// guarded has a listener that asks who a client is, one beside it that does not,
// and a route of the first for one user alone.
const guarded = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: web
  namespace: {{.Namespace}}
spec:
  gatewayClassName: fleetgate
  listeners:
  - name: open
    protocol: HTTP
    port: 80
  - name: guarded
    protocol: HTTP
    port: 8080
    filters:
      requests:
      - type: ExternalAuth
        externalAuth:
          protocol: HTTP
          backendRef:
            name: auth
            port: 80
          http:
            allowedResponseHeaders: [X-User]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: alice
  namespace: {{.Namespace}}
spec:
  parentRefs:
  - name: web
  hostnames: [shop.example.com]
  rules:
  - matches:
    - headers:
      - name: X-User
        value: alice
    backendRefs:
    - name: shop
      port: 8080
`

func TestListenerAsksWhoAClientIsBeforeItRoutes(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "listener-filters")
	s.serve(server{name: "auth", port: 80, handler: askUser})
	s.apply("backend", map[string]any{"Name": "shop", "Replicas": 1})
	s.applyText(guarded, nil)
	s.waitBackend("shop")
	s.waitProgrammed()

	s.wantListener("guarded", "Accepted", metav1.ConditionTrue, "Accepted")
	s.wantListener("guarded", "ResolvedRefs", metav1.ConditionTrue, "ResolvedRefs")
	for _, tt := range []struct {
		port, field, value string
		status             int
	}{
		{":8080", "Authorization", "alice", http.StatusOK},
		// The route does not know the other user, whom the listener lets in.
		{":8080", "Authorization", "bob", http.StatusNotFound},
		// Nobody is believed who only says what the authorization server would say.
		{":8080", "X-User", "alice", http.StatusUnauthorized},
		{"", "Authorization", "alice", http.StatusNotFound},
		{"", "X-User", "alice", http.StatusOK},
	} {
		q := question{host: "shop.example.com", port: tt.port, fields: map[string]string{tt.field: tt.value}}
		s.waitAll(q, func(r reply) error {
			if r.Status != tt.status {
				return fmt.Errorf("port %q as %s %s answers %d, want %d", tt.port, tt.field, tt.value, r.Status, tt.status)
			}
			return nil
		})
	}
}
