package admin

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/configsource"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// reporter stands for a coordinator whose reports a test sets.
type reporter struct {
	mu      sync.Mutex
	report  proxyconfig.Report
	status  configsource.Status
	changed chan struct{}
	waiting chan struct{}
}

func (r *reporter) Report() proxyconfig.Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.report
}

func (r *reporter) Status() configsource.Status { return r.status }

func (r *reporter) AwaitReport(ctx context.Context, after uint64) proxyconfig.Report {
	if got := r.Report(); got.Sequence != after {
		return got
	}
	r.waiting <- struct{}{}
	select {
	case <-r.changed:
	case <-ctx.Done():
	}
	return r.Report()
}

// port is an admin port that serves.
type port struct {
	t        *testing.T
	reporter *reporter
	dir      string
	url      string
	stop     context.CancelFunc
}

func writeFile(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// writePair makes a certificate with a common name.
func writePair(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Unix(1<<33, 0)}
	template.Subject.CommonName = name
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "tls.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	writeFile(t, dir, "tls.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
}

func newPort(t *testing.T) *port {
	t.Helper()
	p := &port{t: t, dir: t.TempDir(), reporter: &reporter{changed: make(chan struct{}), waiting: make(chan struct{}, 8)}}
	writePair(t, p.dir, "first")
	writeFile(t, p.dir, "token", []byte("secret\n"))
	credentials := &Credentials{Dir: p.dir}
	if !credentials.Present() {
		t.Fatal("no credentials")
	}
	ctx, cancel := context.WithCancel(t.Context())
	a := Admin{Credentials: credentials, Reporter: p.reporter, Running: ctx}
	s, err := Listen("127.0.0.1:0", a.Handler(), credentials.TLS(), logr.Discard())
	if err != nil {
		t.Fatal(err)
	}
	p.url = "https://" + s.Addr().String()
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	p.stop = func() { cancel(); wg.Wait() }
	t.Cleanup(p.stop)
	return p
}

// get returns status and body, and the name of the certificate.
func (p *port) get(path, authorization string) (status int, body, name string) {
	p.t.Helper()
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	req, err := http.NewRequest(http.MethodGet, p.url+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := client.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(data), resp.TLS.PeerCertificates[0].Subject.CommonName
}

func TestTokenIsNeeded(t *testing.T) {
	p := newPort(t)
	for _, authorization := range []string{"", "Bearer ", "Bearer wrong", "Bearer secret2", "secret", "Basic secret", "bearer secret"} {
		for _, path := range []string{"/v1/report", "/v1/config", "/nothing"} {
			if status, _, _ := p.get(path, authorization); status != http.StatusUnauthorized {
				t.Errorf("%s with %q: got %d", path, authorization, status)
			}
		}
	}
	if status, _, _ := p.get("/v1/report", "Bearer secret"); status != http.StatusOK {
		t.Errorf("with the token: got %d", status)
	}
}

func TestCredentialsAreRotatedWithoutRestart(t *testing.T) {
	p := newPort(t)
	if _, _, name := p.get("/v1/report", "Bearer secret"); name != "first" {
		t.Errorf("got certificate %q", name)
	}
	writePair(t, p.dir, "second")
	writeFile(t, p.dir, "token", []byte("other"))
	if status, _, name := p.get("/v1/report", "Bearer other"); status != http.StatusOK || name != "second" {
		t.Errorf("got %d from %q", status, name)
	}
	if status, _, _ := p.get("/v1/report", "Bearer secret"); status != http.StatusUnauthorized {
		t.Errorf("the old token: got %d", status)
	}
	for _, token := range []string{"", "\n"} {
		writeFile(t, p.dir, "token", []byte(token))
		if status, _, _ := p.get("/v1/report", "Bearer "); status != http.StatusUnauthorized {
			t.Errorf("an empty token lets in: %d", status)
		}
	}
	if err := os.Remove(filepath.Join(p.dir, "token")); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := p.get("/v1/report", "Bearer other"); status != http.StatusUnauthorized {
		t.Errorf("without a token file: got %d", status)
	}
}

func TestReportIsHeldBack(t *testing.T) {
	p := newPort(t)
	p.reporter.report = proxyconfig.Report{Sequence: 4, GatewayUID: "uid", Hash: "h"}
	if _, body, _ := p.get("/v1/report", "Bearer secret"); body != `{"sequence":4,"gatewayUID":"uid","hash":"h"}`+"\n" {
		t.Errorf("got %s", body)
	}
	if _, body, _ := p.get("/v1/report?after=3&wait=100", "Bearer secret"); !strings.Contains(body, `"sequence":4`) {
		t.Errorf("got %s", body)
	}
	if _, body, _ := p.get("/v1/report?after=4", "Bearer secret"); !strings.Contains(body, `"sequence":4`) {
		t.Errorf("without a wait: got %s", body)
	}
	<-p.reporter.waiting
	got := make(chan string)
	go func() {
		_, body, _ := p.get("/v1/report?after=4&wait=100", "Bearer secret")
		got <- body
	}()
	<-p.reporter.waiting
	p.reporter.mu.Lock()
	p.reporter.report.Sequence = 5
	p.reporter.mu.Unlock()
	close(p.reporter.changed)
	if body := <-got; !strings.Contains(body, `"sequence":5`) {
		t.Errorf("got %s", body)
	}
	for _, query := range []string{"?after=x", "?after=-1", "?after=5&wait=x", "?after=5&wait=-1"} {
		if status, _, _ := p.get("/v1/report"+query, "Bearer secret"); status != http.StatusBadRequest {
			t.Errorf("%s: got %d", query, status)
		}
	}
}

func TestWaitingRequestsEndWithTheProcess(t *testing.T) {
	p := newPort(t)
	got := make(chan string)
	go func() {
		_, body, _ := p.get("/v1/report?after=0&wait=300", "Bearer secret")
		got <- body
	}()
	<-p.reporter.waiting
	p.stop()
	if body := <-got; !strings.Contains(body, `"sequence":0`) {
		t.Errorf("got %s", body)
	}
}

func TestConfigIsShownWithoutSecrets(t *testing.T) {
	p := newPort(t)
	if status, _, _ := p.get("/v1/config", "Bearer secret"); status != http.StatusNotFound {
		t.Errorf("before the first configuration: got %d", status)
	}
	c := &proxyconfig.Config{Listeners: []proxyconfig.Listener{{Name: "l", Port: 443, Protocol: proxyconfig.HTTPS,
		Certificates: []proxyconfig.CertificateRef{{Key: "k", SHA256: "s"}}}}}
	data, hash, err := proxyconfig.Encode(proxyconfig.Gateway{UID: "uid"}, 9, c)
	if err != nil {
		t.Fatal(err)
	}
	document, _, _, err := proxyconfig.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	document.Config = nil
	p.reporter.status = configsource.Status{Document: document, Snapshot: &snapshot.Snapshot{Config: c}}
	_, body, _ := p.get("/v1/config", "Bearer secret")
	shown, _, _, err := proxyconfig.Decode([]byte(body))
	if err != nil || shown.Hash != hash || shown.Revision != 9 {
		t.Errorf("got %s, %v", body, err)
	}
}

func TestOnlyReading(t *testing.T) {
	p := newPort(t)
	credentials := &Credentials{Dir: p.dir}
	handler := Admin{Credentials: credentials, Reporter: p.reporter, Running: t.Context()}.Handler()
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch} {
		req, _ := http.NewRequest(method, "/v1/config", nil)
		req.Header.Set("Authorization", "Bearer secret")
		w := &recorder{header: http.Header{}}
		handler.ServeHTTP(w, req)
		if w.status != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %d", method, w.status)
		}
	}
}

type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(s int)   { r.status = s }
func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.body.Write(p)
}

func TestHealth(t *testing.T) {
	registry := prometheus.NewRegistry()
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: "example", Help: "An example."})
	registry.MustRegister(gauge)
	why := "no configuration"
	handler := Health{NotReady: func() string { return why }, Metrics: registry}.Handler()
	get := func(path string) (int, string) {
		req, _ := http.NewRequest(http.MethodGet, path, nil)
		w := &recorder{header: http.Header{}}
		handler.ServeHTTP(w, req)
		return w.status, w.body.String()
	}
	for _, test := range []struct {
		path   string
		status int
		body   string
	}{
		{"/livez", 200, "ok\n"}, {"/readyz", 503, "no configuration\n"}, {"/other", 404, "404 page not found\n"},
	} {
		if status, body := get(test.path); status != test.status || body != test.body {
			t.Errorf("%s: got %d %q", test.path, status, body)
		}
	}
	why = ""
	if status, _ := get("/readyz"); status != 200 {
		t.Errorf("ready: got %d", status)
	}
	if _, body := get("/metrics"); !strings.Contains(body, "example 0") {
		t.Errorf("metrics: got %s", body)
	}
}

func TestCredentialsMayBeAbsent(t *testing.T) {
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "missing")} {
		if (&Credentials{Dir: dir}).Present() {
			t.Errorf("%q: credentials are there", dir)
		}
	}
}

func TestHandshakeWithoutCertificateFails(t *testing.T) {
	p := newPort(t)
	if err := os.Remove(filepath.Join(p.dir, "tls.key")); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if tls.Client(conn, &tls.Config{InsecureSkipVerify: true}).Handshake() == nil {
		t.Error("the handshake succeeded")
	}
}

func TestReportsAreJSON(t *testing.T) {
	w := &recorder{header: http.Header{}}
	answerJSON(w, proxyconfig.Report{Refused: []proxyconfig.RefusedItem{{Kind: proxyconfig.KindRule, Name: "a/b", Rule: 1, Reason: "<x>"}}})
	var got proxyconfig.Report
	if err := json.Unmarshal([]byte(w.body.String()), &got); err != nil || got.Refused[0].Reason != "<x>" {
		t.Errorf("got %s, %v", w.body.String(), err)
	}
}
