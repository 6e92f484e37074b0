package fleet

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/delivery"
)

const (
	// hold is how long a proxy may hold back an answer that is no news.
	hold = 20 * time.Second
	// answerLimit bounds a whole exchange.
	answerLimit = hold + 10*time.Second
	// pause is waited after an exchange that went wrong; a proxy that has just
	// been started is not there yet.
	pause = 100 * time.Millisecond
	// maxReport bounds the size of an answer.
	maxReport = 4 << 20
)

// watch follows what one proxy reports of itself. It is safe for concurrent
// use.
type watch struct {
	url     string
	token   delivery.Token
	client  *http.Client
	changed func()
	cancel  context.CancelFunc
	ended   sync.WaitGroup

	mu      sync.Mutex
	report  *proxyconfig.Report
	problem string
}

// newWatch follows the proxy whose admin port is at the address, until close.
func newWatch(at netip.AddrPort, admin *delivery.Admin, changed func()) (*watch, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(admin.Authorities) {
		return nil, errors.New("the admin port's certificate does not parse")
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{
		url:   "https://" + at.String() + "/v1/report",
		token: admin.Token,
		client: &http.Client{
			Timeout: answerLimit,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{
				RootCAs: roots, ServerName: admin.ServerName, MinVersion: tls.VersionTLS13,
			}},
		},
		changed: changed,
		cancel:  cancel,
	}
	w.ended.Go(func() { w.run(ctx) })
	return w, nil
}

func (w *watch) close() {
	w.cancel()
	w.ended.Wait()
	w.client.CloseIdleConnections()
}

// last returns the newest report; without one, or when the proxy has stopped
// answering, the problem says why. A report from before that is not returned:
// what was true of a process that is gone says nothing.
func (w *watch) last() (*proxyconfig.Report, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.report, w.problem
}

func (w *watch) run(ctx context.Context) {
	for ctx.Err() == nil {
		report, err := w.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		if w.set(report, err) {
			w.changed()
		}
		if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}
}

// set stores an answer and says whether it is news.
func (w *watch) set(report *proxyconfig.Report, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		news := w.report != nil || w.problem != err.Error()
		w.report, w.problem = nil, err.Error()
		return news
	}
	news := w.report == nil || w.report.Sequence != report.Sequence
	w.report, w.problem = report, ""
	return news
}

// ask reads the report; when one is known, the proxy answers once it changes.
func (w *watch) ask(ctx context.Context) (*proxyconfig.Report, error) {
	url := w.url
	if known, _ := w.last(); known != nil {
		url += fmt.Sprintf("?after=%d&wait=%d", known.Sequence, hold/time.Second)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+string(w.token))
	response, err := w.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the proxy for its report: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReport))
	if err != nil {
		return nil, fmt.Errorf("reading the proxy's report: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the proxy answered %s", strings.TrimSpace(response.Status))
	}
	report := &proxyconfig.Report{}
	if err := json.Unmarshal(body, report); err != nil {
		return nil, fmt.Errorf("decoding the proxy's report: %w", err)
	}
	return report, nil
}
