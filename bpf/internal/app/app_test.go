package app

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/probe/v1/point"
)

func TestValidate(t *testing.T) {
	tests := []struct {
		name    string
		options Options
		ok      bool
	}{
		{"automatic", Options{Socket: "s", Mode: ModeAuto}, true},
		{"shared memory", Options{Socket: "s", Mode: ModeShared}, true},
		{"no socket", Options{Mode: ModeAuto}, false},
		{"another mode", Options{Socket: "s", Mode: "kprobe"}, false},
	}
	for _, tt := range tests {
		if err := tt.options.Validate(); (err == nil) != tt.ok {
			t.Errorf("%s: got error %v", tt.name, err)
		}
	}
}

func TestCheckPointTakesOnlyTheAttachPoint(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "exe")
	if err := os.WriteFile(path, []byte("\x7fELF"+point.Pattern+"code"), 0o755); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		path   string
		offset uint64
		ok     bool
	}{
		{"the attach point", path, 4, true},
		{"beside it", path, 5, false},
		{"no offset", path, 0, false},
		{"at the end", path, 10, false},
		{"behind the end", path, 1 << 40, false},
		{"an offset that is negative when signed", path, 1<<64 - 1, false},
		{"a directory", dir, 4, false},
	}
	for _, tt := range tests {
		file, err := os.Open(tt.path)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkPoint(file, tt.offset); (err == nil) != tt.ok {
			t.Errorf("%s: got error %v", tt.name, err)
		}
		file.Close()
	}
}

func TestRunStopsWhenAsked(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	o := Options{
		Socket:         filepath.Join(t.TempDir(), "probe.sock"),
		MetricsAddress: "127.0.0.1:0",
		Mode:           ModeShared,
		Log:            logr.Discard(),
	}
	go func() { done <- Run(ctx, o) }()
	for {
		if _, err := os.Stat(o.Socket); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := os.Stat(o.Socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestRunFailsWithoutItsAddress(t *testing.T) {
	o := Options{
		Socket:         filepath.Join(t.TempDir(), "probe.sock"),
		MetricsAddress: "256.0.0.1:1",
		Mode:           ModeShared,
		Log:            logr.Discard(),
	}
	if err := Run(t.Context(), o); err == nil || errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Run: got error %v", err)
	}
}
