package local

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	dir := t.TempDir()
	self := filepath.Join(dir, "fleetgate")
	proxy := filepath.Join(dir, "fleetgate-proxy")
	if err := os.WriteFile(proxy, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"all there", []string{"-f", dir}, ""},
		{"no folder", nil, "-f DIR is required"},
		{"missing folder", []string{"-f", dir + "/none"}, "no such file"},
		{"a file", []string{"-f", proxy}, "is not a folder"},
		{"missing proxy", []string{"-f", dir, "-proxy-binary", dir + "/none"}, "name the proxy's binary with -proxy-binary"},
		{"unknown format", []string{"-f", dir, "-o", "xml"}, `-o xml: want one of ["auto" "live" "plain" "json"]`},
		{"unknown sensor mode", []string{"-f", dir, "-sensor", "maybe"}, "want auto, on or off"},
		{"extra argument", []string{"-f", dir, "more"}, `unexpected argument "more"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, err := parse(tt.args, self, io.Discard, io.Discard)
			switch {
			case tt.want == "" && (err != nil || o.ProxyBinary != proxy || o.SensorBinary != filepath.Join(dir, "fleetgate-sensor")):
				t.Errorf("%+v, %v", o, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestHelpTellsTheLimits(t *testing.T) {
	var out strings.Builder
	_, err := parse([]string{"-h"}, "fleetgate", io.Discard, &out)
	if !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "does not evaluate the validation rules") || !strings.Contains(out.String(), "-proxy-binary") {
		t.Errorf("%v, %s", err, out.String())
	}
}
