package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// slowRequest is how the identifiers of requests begin that take long.
const slowRequest = "a-slow-request"

// explained has clients take long over what they send, and looks in the access log for what
// the kernel knows of both connections of such a request.
func (m *monitored) explained(t *testing.T) {
	wait(t, func(ctx context.Context) error {
		// Those that are beside one another need connections of their own to the backend,
		// whose beginning the sensor has seen.
		const together = 4
		errs := make(chan error, together)
		for i := range together {
			go func() { errs <- m.askSlowly(ctx, i) }()
		}
		for range together {
			if err := <-errs; err != nil {
				return err
			}
		}
		out, err := cluster.Kubectl(ctx, "logs", "-n", m.namespace, "-l", "gateway.networking.k8s.io/gateway-name=web", "-c", "proxy", "--tail=-1")
		if err != nil {
			return err
		}
		return findExplained(out)
	})
}

// askSlowly sends a request over a longer time than what the access log takes for slow.
func (m *monitored) askSlowly(ctx context.Context, number int) error {
	body := io.MultiReader(strings.NewReader("a"), &late{pause: 1200 * time.Millisecond})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+m.address+"/", body)
	if err != nil {
		return err
	}
	req.Host = "shop.example.com"
	req.Header.Set("X-Request-Id", fmt.Sprintf("%s-%d", slowRequest, number))
	resp, err := cluster.HTTPClient().Do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// late is a byte that comes after a pause.
type late struct {
	pause time.Duration
	sent  bool
}

func (l *late) Read(p []byte) (int, error) {
	if l.sent {
		return 0, io.EOF
	}
	time.Sleep(l.pause)
	l.sent = true
	return copy(p, "z"), nil
}

// findExplained looks for a line of a slow request with all that the kernel can tell.
func findExplained(log []byte) error {
	fields := []string{
		"clientAcceptMicros", "clientRTTMicros", "clientRetransmits",
		"backendConnectMicros", "backendRTTMicros", "backendRetransmits",
	}
	best := "no line of one"
	for lines := bufio.NewScanner(bytes.NewReader(log)); lines.Scan(); {
		var line map[string]any
		if json.Unmarshal(lines.Bytes(), &line) != nil || !strings.HasPrefix(fmt.Sprint(line["requestID"]), slowRequest) {
			continue
		}
		told := 0
		for _, field := range fields {
			if _, ok := line[field].(float64); ok {
				told++
			}
		}
		if told == len(fields) {
			return nil
		}
		best = lines.Text()
	}
	return fmt.Errorf("slow requests are not explained: %s", best)
}
