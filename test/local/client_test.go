package local

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func pemOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// ask is one question to a listener; its answer is a status, or an error.
type ask func() (status int, err error)

func (s *scene) at(port int) string { return net.JoinHostPort(s.address, strconv.Itoa(port)) }

// client keeps one connection, but for those that are asked anew.
func (s *scene) client(alter func(*http.Transport)) *http.Client {
	transport := &http.Transport{
		MaxIdleConnsPerHost: 1,
		// Who shows which certificate is for other tests to check.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}
	alter(transport)
	return &http.Client{Transport: transport, Timeout: 10 * time.Second}
}

func asIs(*http.Transport) {}

// overHTTP asks for a host.
func (s *scene) overHTTP(port int, host string) ask {
	return get(s.client(asIs), "http://"+s.at(port)+"/", host)
}

// overTLS names the host as the server, too, on a connection of its own.
func (s *scene) overTLS(port int, host string) ask {
	return get(s.client(func(t *http.Transport) {
		t.TLSClientConfig.ServerName = host
		t.DisableKeepAlives = true
	}), "https://"+s.at(port)+"/", host)
}

// overTCP does not keep the connection, as a route decides for connections.
func (s *scene) overTCP(port int) ask {
	return get(s.client(func(t *http.Transport) { t.DisableKeepAlives = true }), "http://"+s.at(port)+"/", "tcp.example.com")
}

// overGRPC makes a call without a message.
func (s *scene) overGRPC(host string) ask {
	client := s.client(func(t *http.Transport) {
		t.Protocols = new(http.Protocols)
		t.Protocols.SetUnencryptedHTTP2(true)
	})
	return func() (int, error) {
		r, err := http.NewRequest(http.MethodPost, "http://"+s.at(httpPort)+"/shop.Shop/Get", http.NoBody)
		if err != nil {
			return 0, err
		}
		r.Host = host
		r.Header.Set("Content-Type", "application/grpc")
		return do(client, r)
	}
}

// overUDP sends a datagram that is to come back.
func (s *scene) overUDP(port int) ask {
	return func() (int, error) {
		c, err := net.Dial("udp", s.at(port))
		if err != nil {
			return 0, err
		}
		defer c.Close()
		// A datagram may get lost, which is not a failure of anybody.
		for range 3 {
			if _, err = c.Write([]byte("x")); err != nil {
				continue
			}
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			if _, err = c.Read(make([]byte, 8)); err == nil {
				return http.StatusOK, nil
			}
		}
		return 0, err
	}
}

func get(client *http.Client, url, host string) ask {
	return func() (int, error) {
		r, err := http.NewRequest(http.MethodGet, url, http.NoBody)
		if err != nil {
			return 0, err
		}
		r.Host = host
		return do(client, r)
	}
}

func do(client *http.Client, r *http.Request) (int, error) {
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	// gRPC says in a header what other answers say in their status.
	if code := answer.Header.Get("Grpc-Status"); code != "" && code != "0" {
		return http.StatusInternalServerError, nil
	}
	return answer.StatusCode, nil
}

// witness asks all the time until it is dismissed.
type witness struct {
	name    string
	ask     ask
	stop    chan struct{}
	ended   sync.WaitGroup
	asked   int
	failure []string
}

func newWitness(name string, a ask) *witness {
	w := &witness{name: name, ask: a, stop: make(chan struct{})}
	w.ended.Go(w.run)
	return w
}

func (w *witness) run() {
	for {
		select {
		case <-w.stop:
			return
		case <-time.After(2 * time.Millisecond):
		}
		w.asked++
		if status, err := w.ask(); err != nil || status != http.StatusOK {
			w.failure = append(w.failure, fmt.Sprintf("%s: %d, %v", time.Now().Format("05.000"), status, err))
		}
	}
}

// dismiss ends it, and says what it has seen.
func (w *witness) dismiss(t *testing.T) {
	t.Helper()
	close(w.stop)
	w.ended.Wait()
	t.Logf("measured: %s: %d requests, %d failed", w.name, w.asked, len(w.failure))
	if len(w.failure) > 0 || w.asked == 0 {
		t.Errorf("%s: of %d requests failed:\n%s", w.name, w.asked, strings.Join(w.failure[:min(len(w.failure), 5)], "\n"))
	}
}

// errWanted says that an answer is not the wanted one.
var errWanted = errors.New("not the wanted answer")

// wants waits for an answer: a status, or with zero an error.
func (s *session) wants(a ask, status int) {
	s.t.Helper()
	s.eventually(fmt.Sprintf("the answer %d", status), func() error {
		got, err := a()
		if got != status || (err == nil) != (status != 0) {
			return fmt.Errorf("%w: %d, %v", errWanted, got, err)
		}
		return nil
	})
}
