package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"text/template"
)

// The engines, by the names that the document uses.
const (
	nameFleetgate   = "Fleetgate"
	nameNginx       = "nginx"
	nameHAProxy     = "HAProxy"
	nameForwarder   = "C forwarder"
	nameFasthttp    = "fasthttp"
	nameNetHTTP     = "net/http"
	nameCaddy       = "Caddy"
	nameTraefik     = "Traefik"
	nameTraefikFast = "Traefik fastProxy"
)

// allPeers are the engines beside Fleetgate, in the order in which they are
// measured.
var allPeers = []string{
	nameNginx, nameHAProxy, nameForwarder, nameFasthttp, nameNetHTTP, nameCaddy, nameTraefik, nameTraefikFast,
}

// engine is a proxy that is measured.
type engine struct {
	name string
	// number tells the ports of engines apart.
	number int
	fronts []front
	// command writes the configuration for some fronts and returns the command
	// to run.
	command func(site) ([]string, error)
}

func (e engine) has(f front) bool { return slices.Contains(e.fronts, f) }

// site is what the configuration of an engine is made from.
type site struct {
	// Work is the folder with what was prepared.
	Work string
	// The engine's own ports.
	Plain, Secure, Clear2, Calls, Stream int
	// The backends' ports.
	Backend, CallsBackend, StreamBackend int
}

func siteOf(work string, e engine) site {
	return site{
		Work:  work,
		Plain: plain.port(e.number), Secure: secure.port(e.number), Clear2: clear2.port(e.number),
		Calls: calls.port(e.number), Stream: stream.port(e.number),
		Backend: backendPort, CallsBackend: callsPort, StreamBackend: streamPort,
	}
}

// Certificate and Key are PEM files; Pair is both in one, as HAProxy has it.
func (s site) Certificate() string { return filepath.Join(s.Work, certificateFile) }
func (s site) Key() string         { return filepath.Join(s.Work, keyFile) }
func (s site) Pair() string        { return filepath.Join(s.Work, pairFile) }

// engines are those that were prepared, in the order in which they are
// measured. Each has one worker.
func engines(prepared []string) []engine {
	web := []front{plain, secure, clear2}
	all := []engine{
		{nameFleetgate, 1, allFronts, fleetgate},
		{nameNginx, 2, allFronts, configured("nginx.conf", nginxConfig, "nginx", "-p", "{{.Work}}", "-c")},
		{nameHAProxy, 3, allFronts, configured("haproxy.cfg", haproxyConfig, "haproxy", "-db", "-f")},
		{nameForwarder, 4, []front{plain}, forwarder},
		{nameFasthttp, 5, []front{plain}, fasthttp},
		{nameNetHTTP, 6, append(web, calls), netHTTP},
		{nameCaddy, 7, web, configured("caddy.json", caddyConfig, "{{.Work}}/caddy")},
		{nameTraefik, 8, []front{plain}, traefik("")},
		{nameTraefikFast, 9, []front{plain}, traefik(traefikFast)},
	}
	return slices.DeleteFunc(all, func(e engine) bool { return !slices.Contains(prepared, e.name) })
}

// configured makes a command whose last argument is a configuration file. Text
// and arguments are templates over a site.
func configured(name, text string, command ...string) func(site) ([]string, error) {
	return func(s site) ([]string, error) {
		file := filepath.Join(s.Work, name)
		if err := writeTemplate(file, text, s); err != nil {
			return nil, err
		}
		line := make([]string, 0, len(command)+1)
		for _, argument := range command {
			expanded, err := expand(argument, s)
			if err != nil {
				return nil, err
			}
			line = append(line, string(expanded))
		}
		return append(line, file), nil
	}
}

func writeTemplate(file, text string, s site) error {
	expanded, err := expand(text, s)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(file), err)
	}
	return os.WriteFile(file, expanded, 0o644)
}

func expand(text string, s site) ([]byte, error) {
	t, err := template.New("").Parse(text)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, s)
	return out.Bytes(), err
}

func forwarder(s site) ([]string, error) {
	return []string{filepath.Join(s.Work, "forwarder"), fmt.Sprint(s.Plain), fmt.Sprint(s.Backend)}, nil
}

func fasthttp(s site) ([]string, error) {
	return []string{filepath.Join(s.Work, "fasthttp"), address(s.Plain), address(s.Backend)}, nil
}

func netHTTP(s site) ([]string, error) {
	return []string{
		filepath.Join(s.Work, "nethttp"),
		"-plain", address(s.Plain), "-h2c", address(s.Clear2), "-tls", address(s.Secure), "-grpc", address(s.Calls),
		"-backend", address(s.Backend), "-grpc-backend", address(s.CallsBackend),
		"-certificate", s.Certificate(), "-key", s.Key(),
	}, nil
}
