package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// table is what is looked at of a line that "fleetgate local -o json" prints.
type table struct {
	Gateways []gateway `json:"gateways"`
	Troubles []struct {
		Object, Field, Reason, Message string
	} `json:"troubles"`
	Unread []string `json:"unread"`
	Notes  []string `json:"notes"`
}

type gateway struct {
	Namespace, Name, Address, Programmed, Message string
	Ports, Metrics                                []string
}

func (g gateway) url() string { return "http://" + g.Address + ":" + g.Ports[0] + "/" }

// find returns the Gateway of the tenant.
func (t table) find(tenant string) (gateway, bool) {
	i := slices.IndexFunc(t.Gateways, func(g gateway) bool { return g.Namespace == tenant })
	if i < 0 {
		return gateway{}, false
	}
	return t.Gateways[i], true
}

func (t table) programmed(tenant string) bool {
	g, ok := t.find(tenant)
	return ok && g.Programmed == "True" && g.Address != "" && len(g.Ports) > 0
}

// session is a run of "fleetgate local" on a copy of the sample.
type session struct {
	*process
	dir    string
	out    *io.PipeWriter
	reader sync.WaitGroup
	stderr strings.Builder

	mu   sync.Mutex
	last table
	// news is closed and replaced at each table.
	news chan struct{}
}

// newSession copies the sample, with the ports that the backends have, and
// starts local mode on it.
func newSession(o options, b *backends, dir string) (*session, error) {
	s := &session{dir: dir, news: make(chan struct{})}
	files, err := filepath.Glob(filepath.Join(o.samples, "*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, fmt.Errorf("no sample in %s", o.samples))
	}
	ports := strings.NewReplacer("port: "+portV1, "port: "+b.ports[0], "port: "+portV2, "port: "+b.ports[1])
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := s.write(filepath.Base(file), ports.Replace(string(text))); err != nil {
			return nil, err
		}
	}
	cmd := command(o.bin, "fleetgate", "local", "-f", dir, "-o", "json")
	cmd.Stderr = &s.stderr
	// Not StdoutPipe: the process is awaited while its last words are read.
	var tables *io.PipeReader
	tables, s.out = io.Pipe()
	cmd.Stdout = s.out
	s.reader.Go(func() { s.read(tables) })
	s.process = start(cmd)
	return s, nil
}

// close stops local mode and returns how it ended.
func (s *session) close() error {
	err := s.stop()
	s.out.Close()
	s.reader.Wait()
	return err
}

func (s *session) write(name, text string) error {
	return os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600)
}

// edit replaces a text in a file, as a user would by an editor.
func (s *session) edit(name, from, to string) error {
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), from) {
		return fmt.Errorf("%s has no %q", name, from)
	}
	return s.write(name, strings.Replace(string(text), from, to, 1))
}

func (s *session) read(out io.Reader) {
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var next table
		if err := json.Unmarshal(line, &next); err != nil {
			continue
		}
		s.mu.Lock()
		s.last = next
		close(s.news)
		s.news = make(chan struct{})
		s.mu.Unlock()
	}
}

func (s *session) table() (table, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last, s.news
}

// patience is how long anything may take that takes a blink.
const patience = 60 * time.Second

// until waits for a table of which the claim holds.
func (s *session) until(ctx context.Context, claim string, holds func(table) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		last, news := s.table()
		if holds(last) {
			return nil
		}
		select {
		case <-news:
		case err := <-s.ended:
			s.ended <- err
			return fmt.Errorf("fleetgate local ended before %s: %w: %s", claim, err, s.stderr.String())
		case <-ctx.Done():
			return fmt.Errorf("not in time: %s; the last table was %+v", claim, last)
		}
	}
}
