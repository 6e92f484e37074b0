package http2

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"

	"github.com/fleetgate/fleetgate/test/internal/target"
)

// The cases of h2spec 2.2.1 with its strict one, so that a run that misses some
// is noticed.
const h2specCases = 146

func TestH2Spec(t *testing.T) {
	backend := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(backend.Close)
	proxy := target.Start(t, target.Backend{Address: backend.Listener.Addr().String()})
	t.Run("h2c", func(t *testing.T) { runH2Spec(t, h2specConfig(t, proxy.Plain, false)) })
	t.Run("TLS", func(t *testing.T) { runH2Spec(t, h2specConfig(t, proxy.TLS, true)) })
}

// echo answers with what was sent, or with something to read.
func echo(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(w, r.Body)
	if n == 0 && err == nil {
		io.WriteString(w, strings.Repeat("fleetgate ", 10))
	}
}

// h2specConfig gives a case as long as a proxy on a busy machine may need. A
// case takes that long only when something the proxy owes does not come.
func h2specConfig(t *testing.T, address string, secure bool) *config.Config {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return &config.Config{
		Host: host, Port: number, Path: "/", Timeout: 10 * time.Second, MaxHeaderLen: 4000,
		TLS: secure, Insecure: true, Strict: true,
	}
}

func runH2Spec(t *testing.T, c *config.Config) {
	// Most of a run is waiting for what must not come.
	t.Parallel()
	cases, skipped := 0, 0
	for _, root := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
		walk(root, func(tc *spec.TestCase) {
			cases++
			t.Run(tc.Parent.ID()+" "+tc.Desc, func(t *testing.T) {
				if !judge(t, c, tc) {
					skipped++
				}
			})
		})
	}
	t.Logf("measured: %d cases of h2spec, %d not applicable", cases, skipped)
	if cases != h2specCases && !t.Failed() {
		t.Errorf("got %d cases, want %d", cases, h2specCases)
	}
}

// walk visits every case of the group and of those within.
func walk(g *spec.TestGroup, visit func(*spec.TestCase)) {
	for _, tc := range append(g.Tests, g.StrictTests...) {
		visit(tc)
	}
	for _, inner := range g.Groups {
		walk(inner, visit)
	}
}

// judge runs one case and says whether it applied.
func judge(t *testing.T, c *config.Config, tc *spec.TestCase) bool {
	conn, err := spec.Dial(c)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var failure *spec.TestError
	switch err = tc.Run(c, conn); {
	case errors.Is(err, spec.ErrSkipped):
		return false
	case errors.As(err, &failure):
		t.Errorf("%s\nrequirement: %s\nexpected: %s\nactual: %s", tc.Parent.Title(), tc.Requirement,
			strings.Join(failure.Expected, "\n      or: "), failure.Actual)
	case err != nil:
		t.Errorf("%s\nrequirement: %s\nerror: %v", tc.Parent.Title(), tc.Requirement, err)
	}
	return true
}
