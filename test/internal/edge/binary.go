package edge

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// modulePath is the module that the proxy is in; its go.mod marks the root.
const modulePath = "github.com/fleetgate/fleetgate"

// Main runs the tests of a package and removes the program that they had built.
// A package that calls Start has a TestMain that calls Main, and nothing after
// it: Main does not return.
func Main(m *testing.M) {
	code := m.Run()
	if dir := built.dir; dir != "" {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

var built struct {
	once      sync.Once
	dir, file string
	err       error
}

// binary returns the path of the proxy, which is built on the first call.
func binary() (string, error) {
	built.once.Do(func() { built.file, built.err = build() })
	return built.file, built.err
}

func build() (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	if built.dir, err = os.MkdirTemp("", "fleetgate-edge"); err != nil {
		return "", err
	}
	file := filepath.Join(built.dir, "fleetgate-proxy")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-w", "-o", file, "./proxy")
	cmd.Dir = root
	// A test under the race detector needs cgo; the program ships without it.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the proxy: %w\n%s", err, out)
	}
	return file, nil
}

// moduleRoot looks for the module above the working directory, which is the
// package's own while its tests run.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(data, []byte("module "+modulePath+"\n")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("no module " + modulePath + " above the working directory")
		}
	}
}
