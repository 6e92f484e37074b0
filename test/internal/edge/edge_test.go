package edge

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestMain(m *testing.M) { Main(m) }

// backend answers every request with the text.
func backend(t *testing.T, text string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	answer, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(answer.StatusCode, " ", string(body))
}

func client(cert Certificate) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		TLSClientConfig:   &tls.Config{RootCAs: cert.Pool(), ServerName: "a.example"},
	}}
}

func TestServesReloadsAndStops(t *testing.T) {
	cert := NewCertificate(t, "a", "a.example")
	c := To(backend(t, "one"))
	c.Listeners = append(c.Listeners, proxyconfig.Listener{
		Name: "https", Protocol: proxyconfig.HTTPS, Certificates: []proxyconfig.CertificateRef{cert.Ref()},
	})
	c.Routes[0].Attachments = append(c.Routes[0].Attachments, proxyconfig.Attachment{Listener: "https", Hostnames: []string{""}})
	p := Start(t, Options{Config: c, Certificates: []Certificate{cert}})
	for _, url := range []string{"http://" + p.Addr("http"), "https://" + p.Addr("https")} {
		if got := get(t, client(cert), url); got != "200 one" {
			t.Errorf("%s: got %q", url, got)
		}
	}

	renewed := NewCertificate(t, "a", "a.example")
	c.Listeners[1].Certificates[0] = renewed.Ref()
	c.Backends[0].Endpoints = To(backend(t, "two")).Backends[0].Endpoints
	p.Reload(c, renewed)
	if got := get(t, client(renewed), "https://"+p.Addr("https")); got != "200 two" {
		t.Errorf("after the reload: got %q", got)
	}

	p.Signal(syscall.SIGTERM)
	if err := p.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if !strings.Contains(p.Log(), "{") {
		t.Errorf("the log has nothing: %q", p.Log())
	}
}

func TestUsage(t *testing.T) {
	p := Start(t, Options{Config: To(backend(t, "x"))})
	before := p.Usage()
	if before.RssAnon < 1<<20 || before.Descriptors < 5 || before.CPU <= 0 {
		t.Errorf("implausible: %+v", before)
	}
	if got := p.Goroutines(); got < 2 {
		t.Errorf("got %d goroutines", got)
	}
	kept := &http.Client{}
	defer kept.CloseIdleConnections()
	get(t, kept, "http://"+p.Addr("http"))
	if after := p.Usage(); after.Descriptors <= before.Descriptors || after.CPU < before.CPU {
		t.Errorf("a connection is open: got %+v after %+v", after, before)
	}
}

func TestKill(t *testing.T) {
	p := Start(t, Options{Config: To(backend(t, "x")), Args: []string{"--log-level", "error"}})
	p.Signal(syscall.SIGKILL)
	if err := p.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("got %v", err)
	}
}

func TestFreePortsAreDistinct(t *testing.T) {
	seen := map[int32]bool{}
	for range 50 {
		p := FreePort(t)
		if seen[p] || p < firstPort || p >= firstPort+portCount {
			t.Fatalf("port %d", p)
		}
		seen[p] = true
	}
}

func TestPauseStopsTheProxy(t *testing.T) {
	p := Start(t, Options{Config: To(backend(t, "x"))})
	p.Signal(syscall.SIGSTOP)
	p.await("stop", func() error { return stopped(p.PID()) })
	impatient := &http.Client{Timeout: 200 * time.Millisecond}
	if _, err := impatient.Get("http://" + p.Addr("http")); err == nil {
		t.Error("a stopped proxy answered")
	}
	p.Signal(syscall.SIGCONT)
	if got := get(t, &http.Client{}, "http://"+p.Addr("http")); got != "200 x" {
		t.Errorf("got %q", got)
	}
}

// stopped is an error until all threads of a process have taken the signal.
func stopped(pid int) error {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return err
	}
	for _, file := range threads {
		stat, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		// The state follows the name, which is in parentheses (proc_pid_stat(5)).
		if _, rest, _ := bytes.Cut(stat, []byte(") ")); len(rest) == 0 || rest[0] != 'T' {
			return fmt.Errorf("%s: %s", file, stat)
		}
	}
	return nil
}
