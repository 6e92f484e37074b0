package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

// question is a request, without a path, to a listener.
type question struct {
	host string
	// port is "" or begins with a colon.
	port   string
	fields map[string]string
}

// reply is what a backend saw of a request, and how its answer came back.
type reply struct {
	Status  int            `json:"-"`
	Cookies []*http.Cookie `json:"-"`
	// Version and Pod are the backend's.
	Version string
	Pod     string
	Headers http.Header
}

// ask sends one request.
func (s *tenantSpace) ask(ctx context.Context, http1 *http.Client, q question) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+q.port+"/", nil)
	if err != nil {
		return reply{}, err
	}
	req.Host = q.host
	for name, value := range q.fields {
		req.Header.Set(name, value)
	}
	resp, err := http1.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	r := reply{Status: resp.StatusCode, Cookies: resp.Cookies()}
	if resp.StatusCode == http.StatusOK {
		err = json.NewDecoder(resp.Body).Decode(&r)
	}
	return r, err
}

// settle is how many answers in a row tell that all proxies give the same.
const settle = 40

// waitAll asks, each time on a new connection and so one proxy or another,
// until as many replies in a row as settle says were fine.
func (s *tenantSpace) waitAll(q question, fine func(reply) error) {
	s.t.Helper()
	http1 := newConnections()
	wait(s.t, func(ctx context.Context) error {
		for range settle {
			r, err := s.ask(ctx, http1, q)
			if err == nil {
				err = fine(r)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// newConnections returns a client that makes one for each request.
func newConnections() *http.Client {
	transport := cluster.Transport()
	transport.DisableKeepAlives = true
	return &http.Client{Transport: transport}
}

// wait is client.Poll for what needs no new pods.
func wait(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := client.Poll(ctx, f); err != nil {
		t.Fatal(err)
	}
}
