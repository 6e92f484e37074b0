package agent

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
)

func TestTheCertificateIsReadAgain(t *testing.T) {
	folder, now := t.TempDir(), time.UnixMilli(1e12)
	c := NewCertificate(folder)
	c.now = func() time.Time { return now }
	get := func() []byte {
		t.Helper()
		pair, err := c.Get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return pair.Certificate[0]
	}
	if _, err := c.Get(nil); err == nil {
		t.Error("there is a certificate before there is one")
	}
	bpftest.WriteCertificate(t, folder, probe.NodeAgentName)
	first := get()
	bpftest.WriteCertificate(t, folder, probe.NodeAgentName)
	if !bytes.Equal(get(), first) {
		t.Error("it is read for each connection")
	}
	now = now.Add(rereadEvery)
	second := get()
	if bytes.Equal(second, first) {
		t.Error("a new one is not seen")
	}
	if err := os.Remove(filepath.Join(folder, "tls.key")); err != nil {
		t.Fatal(err)
	}
	now = now.Add(rereadEvery)
	if !bytes.Equal(get(), second) {
		t.Error("one that cannot be read any more is not used on")
	}
}
