package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// backends are the two echo servers.
type backends struct {
	processes []*process
	// ports are the ones that they listen on.
	ports []string
}

// startBackends starts one backend at each address, as version v1 and v2, and
// returns when both listen.
func startBackends(o options, addresses ...string) (*backends, error) {
	b := &backends{}
	for i, address := range addresses {
		if err := b.start(o, address, fmt.Sprintf("v%d", i+1)); err != nil {
			b.stop()
			return nil, err
		}
	}
	return b, nil
}

func (b *backends) start(o options, address, version string) error {
	cmd := command(o.bin, "echo", "-listen", address, "-name", "shop", "-version", version, "-withdraw", "0s")
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	p := start(cmd)
	b.processes = append(b.processes, p)
	// The first line is "shop v1 listens on 127.0.0.1:9081".
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		if !errors.Is(err, io.EOF) {
			return fmt.Errorf("starting a backend: %w", err)
		}
		return fmt.Errorf("starting a backend on %s: %w: %s", address, p.stop(), strings.TrimSpace(problem.String()))
	}
	b.ports = append(b.ports, strings.TrimSpace(line[strings.LastIndexByte(line, ':')+1:]))
	return nil
}

// stop ends the backends. How they end does not matter to anybody.
func (b *backends) stop() {
	for _, p := range b.processes {
		_ = p.stop()
	}
}
