package edge

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// Portable reports whether the proxy is built with the driver that systems other
// than Linux have: FLEETGATE_DRIVER is "portable", or "portable-race" for one that
// ends at the first data race, too. What such a proxy costs is not what is claimed
// of the shipped one.
func Portable() bool { return strings.HasPrefix(os.Getenv("FLEETGATE_DRIVER"), portable) }

const portable = "portable"

// raced reports whether the proxy is built with the race detector.
func raced() bool { return os.Getenv("FLEETGATE_DRIVER") == portable+"-race" }

// command is what builds the proxy.
func command(file string) *exec.Cmd {
	args, cgo := []string{"build", "-ldflags", "-w", "-o", file}, "CGO_ENABLED=0"
	if Portable() {
		args = append(args, "-tags", portable)
	}
	if raced() {
		// As go test -race builds it, which has most of it in the cache.
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	} else {
		args = append(args, "-trimpath")
	}
	cmd := exec.Command("go", append(args, "./proxy")...)
	// A test under the race detector needs cgo; the program ships without it.
	cmd.Env = append(os.Environ(), cgo)
	return cmd
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
	cmd := command(file)
	cmd.Dir = root
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
