package proxies

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// Access is what is needed to ask the proxies of one Gateway.
type Access struct {
	// GatewayUID is the Gateway that the proxies have to speak for.
	GatewayUID string
	// ServerName is the name that their certificates are for, and Authorities
	// the certificates themselves, in PEM.
	ServerName  string
	Authorities []byte
	// Token returns the bearer token. It is a function so that no print of an
	// Access can show it.
	Token func() string
}

// same says whether both would lead to the same answers.
func (a *Access) same(b *Access) bool {
	return a.GatewayUID == b.GatewayUID && a.ServerName == b.ServerName &&
		string(a.Authorities) == string(b.Authorities) && a.Token() == b.Token()
}

// maxReport bounds an answer. A report names the items that were refused, and
// a fleet that refuses this many has been told enough.
const maxReport = 4 << 20

// errForeign is returned when a proxy speaks for another Gateway.
var errForeign = errors.New("the proxy speaks for another Gateway")

// client asks the proxies of one fleet.
type client struct {
	access Access
	port   int
	http   *http.Client
}

func newClient(access Access, port int) (*client, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(access.Authorities) {
		return nil, errors.New("the admin credentials hold no certificate")
	}
	transport := &http.Transport{
		TLSClientConfig:       &tls.Config{RootCAs: roots, ServerName: access.ServerName, MinVersion: tls.VersionTLS13},
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		IdleConnTimeout:       time.Minute,
		MaxIdleConnsPerHost:   1,
		ReadBufferSize:        2 << 10,
		WriteBufferSize:       2 << 10,
		DisableCompression:    true,
		ForceAttemptHTTP2:     false,
		ExpectContinueTimeout: 0,
	}
	// Neither the environment's proxy nor a redirect leads away from the pod.
	return &client{access: access, port: port, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (c *client) close() { c.http.CloseIdleConnections() }

// ask returns the report of the proxy at the address. After a first one, it is
// held back until its sequence differs from after, or wait has passed.
func (c *client) ask(ctx context.Context, address string, after *uint64, wait time.Duration) (*proxyconfig.Report, error) {
	limit := 10 * time.Second
	url := "https://" + net.JoinHostPort(address, strconv.Itoa(c.port)) + "/v1/report"
	if after != nil {
		url += fmt.Sprintf("?after=%d&wait=%d", *after, int(wait.Seconds()))
		limit += wait
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", address, err)
	}
	request.Header.Set("Authorization", "Bearer "+c.access.Token())
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	return c.read(response)
}

func (c *client) read(response *http.Response) (*proxyconfig.Report, error) {
	body, err := io.ReadAll(io.LimitReader(response.Body, maxReport+1))
	if err != nil {
		return nil, fmt.Errorf("reading the report: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the proxy answered %s", response.Status)
	}
	if len(body) > maxReport {
		return nil, errors.New("the report is too large")
	}
	report := &proxyconfig.Report{}
	if err := json.Unmarshal(body, report); err != nil {
		return nil, fmt.Errorf("decoding the report: %w", err)
	}
	if report.GatewayUID != c.access.GatewayUID {
		return nil, errForeign
	}
	return report, nil
}
