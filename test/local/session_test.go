package local

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take that takes a blink.
const patience = 30 * time.Second

// trouble is what local mode says of an object.
type trouble struct{ Object, Field, Reason, Message string }

// facts are what is looked at of a line of "fleetgate local -o json".
type facts struct {
	Gateways []struct{ Name, Address, Programmed, Message string }
	Troubles []trouble
	Unread   []string
}

// told says whether an object has a reason.
func (f facts) told(object, reason string) bool {
	for _, t := range f.Troubles {
		if strings.HasPrefix(t.Object, object) && t.Reason == reason {
			return true
		}
	}
	return false
}

// session is a run of local mode on a folder.
type session struct {
	t   *testing.T
	dir string

	mu   sync.Mutex
	last facts
}

// start runs local mode on the objects, each of which is a file of its own, and
// returns when the Gateway is programmed.
func start(t *testing.T, objects map[string]string) *session {
	t.Helper()
	s := &session{t: t, dir: t.TempDir()}
	for name, text := range objects {
		s.write(name, text)
	}
	cmd := exec.Command(filepath.Join(bin, "fleetgate"), "local", "-f", s.dir, "-o", "json", "-sensor", "off")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	var messages strings.Builder
	cmd.Stderr = &messages
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		s.read(out)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-read
		if err := cmd.Wait(); err != nil {
			t.Errorf("local mode ended with %v: %s", err, messages.String())
		}
	})
	s.until("the Gateway is programmed", func(f facts) bool {
		return len(f.Gateways) == 1 && f.Gateways[0].Programmed == "True"
	})
	return s
}

func (s *session) read(out io.Reader) {
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var next facts
		if err := json.Unmarshal(line, &next); err != nil {
			s.t.Errorf("%v in %q", err, line)
		}
		s.mu.Lock()
		s.last = next
		s.mu.Unlock()
	}
}

func (s *session) facts() facts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// until waits for what local mode says to come true.
func (s *session) until(claim string, holds func(facts) bool) {
	s.t.Helper()
	s.eventually(claim, func() error {
		if f := s.facts(); !holds(f) {
			return fmt.Errorf("the last that was said is %+v", f)
		}
		return nil
	})
}

// eventually waits for an error to go away.
func (s *session) eventually(claim string, try func() error) {
	s.t.Helper()
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Since(begun) > patience {
			s.t.Fatalf("not in time: %s: %v", claim, err)
		}
	}
}

// write puts an object into the folder, as a whole; without a text it takes it
// out.
func (s *session) write(name, text string) {
	s.t.Helper()
	file := filepath.Join(s.dir, name+".yaml")
	if text == "" {
		if err := os.Remove(file); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	half := filepath.Join(s.dir, "."+name)
	if err := os.WriteFile(half, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(half, file); err != nil {
		s.t.Fatal(err)
	}
}
