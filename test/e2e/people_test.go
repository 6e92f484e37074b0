package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
)

func TestRouteAsksWhoAClientIsAndKeepsItsSession(t *testing.T) {
	t.Parallel()
	s := newTenant(t, "people")
	s.serve(server{name: "auth", port: 80, handler: askUser})
	s.serve(server{name: "calls", port: 9000, handler: checkUser})
	s.apply("gateway", nil)
	s.apply("backend", map[string]any{"Name": "shop", "Replicas": 2})
	s.apply("people", nil)
	s.waitBackend("shop")
	s.waitProgrammed()

	for _, host := range []string{"guarded.example.com", "called.example.com"} {
		s.waitAsked(host)
	}

	for pod, kept := range s.sessions("sticky.example.com", "kept", 2) {
		q := question{host: "sticky.example.com", fields: map[string]string{"Cookie": "kept=" + kept}}
		s.waitAll(q, func(r reply) error {
			if r.Status != http.StatusOK || r.Pod != pod {
				return fmt.Errorf("status %d of pod %q, want 200 of %s, which has the session", r.Status, r.Pod, pod)
			}
			return nil
		})
	}
}

// waitAsked waits until who says that it is alice is let in as alice, and who
// says nothing of the kind is not.
func (s *tenantSpace) waitAsked(host string) {
	s.t.Helper()
	alice := question{host: host, fields: map[string]string{"Authorization": "alice"}}
	s.waitAll(alice, func(r reply) error {
		if user := r.Headers.Get("X-User"); r.Status != http.StatusOK || user != "alice" {
			return fmt.Errorf("%s: status %d, and the backend sees user %q, want 200 and alice", host, r.Status, user)
		}
		return nil
	})
	nobody := question{host: host, fields: map[string]string{"X-User": "alice"}}
	s.waitAll(nobody, func(r reply) error {
		if r.Status != http.StatusUnauthorized {
			return fmt.Errorf("%s: without Authorization the status is %d, want 401", host, r.Status)
		}
		return nil
	})
}

// sessions begins sessions until each of n pods has one, and returns their
// cookies by pod.
func (s *tenantSpace) sessions(host, cookie string, n int) map[string]string {
	s.t.Helper()
	http1 := newConnections()
	cookies := make(map[string]string)
	wait(s.t, func(ctx context.Context) error {
		r, err := s.ask(ctx, http1, question{host: host})
		if err != nil {
			return err
		}
		for _, c := range r.Cookies {
			if c.Name == cookie && r.Pod != "" {
				cookies[r.Pod] = c.Value
			}
		}
		if len(cookies) != n {
			return fmt.Errorf("status %d; the pods with a session are %v, want %d", r.Status, cookies, n)
		}
		return nil
	})
	return cookies
}
