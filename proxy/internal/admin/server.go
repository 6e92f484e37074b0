package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/go-logr/logr"
)

// Server is one of the two ports.
type Server struct {
	listener net.Listener
	http     *http.Server
	log      logr.Logger
}

// Listen opens a port. tlsConfig is nil for plain HTTP. Run serves it.
func Listen(address string, handler http.Handler, tlsConfig *tls.Config, log logr.Logger) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	if tlsConfig != nil {
		listener = tls.NewListener(listener, tlsConfig)
	}
	return &Server{listener: listener, log: log, http: newHTTPServer(handler)}, nil
}

// newHTTPServer has small limits: requests here are a line and a token.
func newHTTPServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		// Failed handshakes of whoever tries the port would fill the log.
		ErrorLog: log.New(io.Discard, "", 0),
	}
}

// Addr is the address that the port is bound to.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close closes a port that Run was never called for.
func (s *Server) Close() { s.listener.Close() }

// Run serves until ctx ends, and returns when all requests have ended or had a
// second to.
func (s *Server) Run(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error(err, "A port of the proxy's own stopped", "address", s.listener.Addr().String())
		}
	}()
	<-ctx.Done()
	grace, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(grace) != nil {
		s.http.Close()
	}
	<-done
}
