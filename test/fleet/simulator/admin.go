package simulator

import (
	"context"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// adminPort is where the operator asks proxies what they serve.
const adminPort = "19001"

// board holds what the proxies of one Gateway report.
type board struct {
	report proxyconfig.Report
	// changed is closed when the report changes.
	changed chan struct{}
}

// credentials are those of one fleet's admin ports.
type credentials struct {
	certificate *tls.Certificate
	token       string
}

// sawConfig does what a proxy does with a new configuration: it is read whole,
// or refused.
func (s *Simulator) sawConfig(object any) {
	stored := object.(*corev1.ConfigMap)
	document, _, _, err := proxyconfig.Decode([]byte(stored.Data[proxyconfig.ConfigKey]))
	if err != nil {
		if _, index := stored.Data[proxyconfig.ConfigKey]; index {
			s.tell(fmt.Errorf("ConfigMap %s/%s: %w", stored.Namespace, stored.Name, err))
		}
		return
	}
	key := ctrlclient.ObjectKeyFromObject(stored)
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boards[key]
	if b == nil {
		b = &board{changed: make(chan struct{})}
		s.boards[key] = b
	}
	if b.report.GatewayUID == document.Gateway.UID && b.report.Revision >= document.Revision {
		return
	}
	b.report = proxyconfig.Report{
		Sequence: b.report.Sequence + 1, GatewayUID: document.Gateway.UID,
		Hash: document.Hash, Revision: document.Revision,
	}
	close(b.changed)
	b.changed = make(chan struct{})
	s.wake(key)
}

func (s *Simulator) sawSecret(object any) {
	secret := object.(*corev1.Secret)
	token := strings.TrimSpace(string(secret.Data["token"]))
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil || token == "" {
		return // Not the admin port's.
	}
	key := ctrlclient.ObjectKeyFromObject(secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[key] = &credentials{certificate: &pair, token: token}
	s.wake(key)
}

// listen answers on the admin port of every address.
func (s *Simulator) listen(ctx context.Context) error {
	listener, err := s.opts.Cluster.Listen(ctx, "tcp4", "0.0.0.0:"+adminPort)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/report", s.answer)
	server := &http.Server{
		Handler: mux, BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute,
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{"http/1.1"},
			GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
				return s.certificate(hello.Conn.LocalAddr())
			}},
	}
	s.running.Go(func() {
		if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
			s.tell(err)
		}
	})
	s.running.Go(func() {
		<-ctx.Done()
		s.tell(server.Close())
	})
	return nil
}

func (s *Simulator) certificate(local net.Addr) (*tls.Certificate, error) {
	_, c := s.at(local)
	if c == nil {
		return nil, errors.New("no pod has this address")
	}
	return c.certificate, nil
}

// at returns the pod with the address and its credentials, or nil.
func (s *Simulator) at(local net.Addr) (*proxy, *credentials) {
	address, err := netip.ParseAddrPort(local.String())
	if err != nil {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.proxies[address.Addr().Unmap()]
	if p == nil {
		return nil, nil
	}
	return p, s.secrets[p.admin]
}

// answer speaks as a proxy's admin port does; see proxyconfig.Report.
func (s *Simulator) answer(w http.ResponseWriter, r *http.Request) {
	p, c := s.at(r.Context().Value(http.LocalAddrContextKey).(net.Addr))
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if c == nil || !bearer || subtle.ConstantTimeCompare([]byte(token), []byte(c.token)) == 0 {
		http.Error(w, "a bearer token is needed", http.StatusUnauthorized)
		return
	}
	query := r.URL.Query()
	after, err := strconv.ParseUint(query.Get("after"), 10, 64)
	wait, _ := strconv.Atoi(query.Get("wait"))
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(wait)*time.Second)
	defer cancel()
	report := s.await(ctx, p, err == nil, after)
	w.Header().Set("Content-Type", "application/json")
	s.tell(json.NewEncoder(w).Encode(report))
}

// await returns the report, if hold is set not before its sequence differs from
// after or ctx ends.
func (s *Simulator) await(ctx context.Context, p *proxy, hold bool, after uint64) proxyconfig.Report {
	for {
		s.mu.Lock()
		b := s.boards[p.config]
		if b == nil {
			s.mu.Unlock()
			return proxyconfig.Report{GatewayUID: p.gatewayUID}
		}
		report, changed := b.report, b.changed
		s.mu.Unlock()
		if !hold || report.Sequence != after {
			return report
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return report
		}
	}
}
