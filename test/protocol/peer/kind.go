package peer

import (
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/test/protocol/install"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
)

// Kind is one kind of backend.
type Kind struct {
	Name string
	// Start starts it in front of an origin, where it needs one, and returns its
	// host:port. It ends with the test.
	Start func(t testing.TB, origin string) string
}

// Kinds are all of them.
var Kinds = []Kind{
	{"nginx", func(t testing.TB, origin string) string {
		return program(t, nginxConfig, origin, "nginx", "nginx", "-c", "$FILE", "-p", "$DIR", "-e", "stderr")
	}},
	{"haproxy", func(t testing.TB, origin string) string {
		return program(t, haproxyConfig, origin, "haproxy", "haproxy", "-db", "-f", "$FILE")
	}},
	{"apache2", func(t testing.TB, origin string) string {
		return program(t, apacheConfig, origin, "apache2", "apache2", "-D", "FOREGROUND", "-f", "$FILE")
	}},
	{"h2o", func(t testing.TB, origin string) string {
		return program(t, h2oConfig, origin, "h2o", "h2o", "-c", "$FILE")
	}},
	{"node", func(t testing.TB, _ string) string {
		return program(t, nodeScript, "", "nodejs", "node", "$FILE", "$PORT")
	}},
	{"python", func(t testing.TB, _ string) string {
		return program(t, pythonScript, "", "python3", install.Python, "$FILE", "$PORT")
	}},
	{"go", startGo},
}

//go:embed script/echo.js
var nodeScript string

//go:embed script/echo.py
var pythonScript string

// program writes the configuration and runs the command that reads it, with the
// placeholders in both filled in.
func program(t testing.TB, config, origin, debian string, command ...string) string {
	t.Helper()
	install.Programs(t, map[string]string{command[0]: debian})
	dir := t.TempDir()
	// A program that gives up root's rights still reads its files.
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	addr := FreeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	file := filepath.Join(dir, "config")
	fill := strings.NewReplacer("$FILE", file, "$DIR", dir, "$PORT", port, "$ORIGIN", origin)
	if err := os.WriteFile(file, []byte(fill.Replace(config)), 0o644); err != nil {
		t.Fatal(err)
	}
	for i := range command {
		command[i] = fill.Replace(command[i])
	}
	Run(t, addr, command...)
	return addr
}

func startGo(t testing.TB, _ string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		// Strings in a struct always encode.
		text, _ := json.Marshal(recorder.Understood{Method: r.Method, Target: r.RequestURI, Host: r.Host, Body: hex.EncodeToString(body)})
		w.Write(text)
	}))
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}
