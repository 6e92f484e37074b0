// Package fakeproxy lets a test binary play the children of local mode, so that
// tests start real processes without building the real ones.
package fakeproxy

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// variable in the environment makes a test binary a child.
const variable = "FLEETGATE_TEST_CHILD"

// Notes is the name of the file in a proxy's state directory that says when it
// has started and ended in order.
const Notes = "notes"

// Main is for TestMain: it plays a proxy or a sensor, whatever the arguments
// are of, and never returns if Use was called in the parent.
func Main() {
	switch {
	case os.Getenv(variable) == "":
	case strings.HasPrefix(os.Args[1], "--gateway-namespace="):
		os.Exit(proxy(os.Args[1:]))
	default:
		os.Exit(sensor())
	}
}

// Use makes the processes that the test starts from its own binary children,
// and returns the binary's path.
func Use(t *testing.T) string {
	t.Helper()
	t.Setenv(variable, "yes")
	return os.Args[0]
}

// proxy reports the configuration that it finds, and leaves a note of each
// start and of each orderly end.
func proxy(args []string) int {
	fs := flag.NewFlagSet("proxy", flag.ExitOnError)
	values := map[string]*string{}
	for _, name := range []string{"gateway-namespace", "gateway-name", "gateway-uid", "config-dir", "state-dir", "admin-dir", "bind", "health-address", "admin-address", "probe-socket"} {
		values[name] = fs.String(name, "", "")
	}
	fs.Bool("allow-loopback-backends", false, "")
	_ = fs.Parse(args)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	note(filepath.Join(*values["state-dir"], Notes), "start\n")

	p := &reporter{path: filepath.Join(*values["config-dir"], "config.json"), uid: *values["gateway-uid"]}
	token, err := os.ReadFile(filepath.Join(*values["admin-dir"], "token"))
	if err != nil {
		panic(err)
	}
	p.token = string(token)
	server := &http.Server{Addr: *values["admin-address"], Handler: p, TLSConfig: &tls.Config{}}
	go func() {
		<-ctx.Done()
		server.Close()
	}()
	_ = server.ListenAndServeTLS(filepath.Join(*values["admin-dir"], "tls.crt"), filepath.Join(*values["admin-dir"], "tls.key"))
	note(filepath.Join(*values["state-dir"], Notes), "end\n")
	return 0
}

// sensor does nothing until it is told to end.
func sensor() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
	return 0
}

func note(path, text string) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		panic(err)
	}
}

// reporter answers with the hash of the document on disk; the revision is the
// sequence.
type reporter struct{ path, uid, token string }

func (p *reporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/report" || r.Header.Get("Authorization") != "Bearer "+p.token {
		http.Error(w, "no", http.StatusForbidden)
		return
	}
	for {
		report := p.report()
		if after := r.URL.Query().Get("after"); after == "" || after != jsonOf(report.Sequence) {
			_ = json.NewEncoder(w).Encode(report)
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *reporter) report() proxyconfig.Report {
	report := proxyconfig.Report{GatewayUID: p.uid}
	data, err := os.ReadFile(p.path)
	if err != nil {
		return report
	}
	if d, _, _, err := proxyconfig.Decode(data); err == nil {
		report.Sequence, report.Revision, report.Hash = uint64(d.Revision), d.Revision, d.Hash
	}
	return report
}

func jsonOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}
