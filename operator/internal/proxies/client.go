package proxies

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
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

// client is what the lines to the proxies of one fleet have in common.
type client struct {
	access Access
	port   string
	tls    *tls.Config
}

func newClient(access Access, port int) (*client, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(access.Authorities) {
		return nil, errors.New("the admin credentials hold no certificate")
	}
	return &client{
		access: access, port: strconv.Itoa(port),
		tls: &tls.Config{RootCAs: roots, ServerName: access.ServerName, MinVersion: tls.VersionTLS13},
	}, nil
}

// How long opening a line may take in each of two steps, and an answer that is not held
// back.
const (
	openWithin   = 5 * time.Second
	answerWithin = 10 * time.Second
)

// ask returns the report of the proxy at the other end. After a first one, it is
// held back until its sequence differs from after, or wait has passed.
func (l *line) ask(ctx context.Context, after *uint64, wait time.Duration) (*proxyconfig.Report, error) {
	limit, url := answerWithin, "https://"+l.address+"/v1/report"
	if after != nil {
		url += fmt.Sprintf("?after=%d&wait=%d", *after, int(wait.Seconds()))
		limit += wait
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", l.address, err)
	}
	request.Header.Set("Authorization", "Bearer "+l.access.Token())
	answer, err := l.do(request)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", l.address, err)
	}
	return l.read(answer)
}

func (l *line) read(answer *answer) (*proxyconfig.Report, error) {
	if answer.code != http.StatusOK {
		return nil, fmt.Errorf("the proxy answered %s", answer.status)
	}
	if len(answer.body) > maxReport {
		return nil, errors.New("the report is too large")
	}
	report := &proxyconfig.Report{}
	if err := json.Unmarshal(answer.body, report); err != nil {
		return nil, fmt.Errorf("decoding the report: %w", err)
	}
	if report.GatewayUID != l.access.GatewayUID {
		return nil, errForeign
	}
	return report, nil
}
