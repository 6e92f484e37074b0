package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// native has the backend and the forwarder, which gcc compiles: cgo is off.
//
//go:embed native/*.c native/*.h
var native embed.FS

// peersTimeout bounds how long a peer in Go may take to fetch and compile, from
// nothing.
const peersTimeout = 5 * time.Minute

// goPeers are the peers that are compiled from Go modules: the folder below
// peers/, and the module whose version is said.
var goPeers = []struct{ name, folder, module string }{
	{nameFasthttp, "fasthttp", "github.com/valyala/fasthttp"},
	{nameNetHTTP, "nethttp", ""},
	{nameCaddy, "caddy", "github.com/caddyserver/caddy/v2"},
}

// prepare fills the folder with all that is measured, and with facts about it.
// A peer that is not to be had is left out and noted.
func prepare(ctx context.Context, work string, o options) error {
	if err := install(ctx, map[string]string{
		"wrk": "wrk", "h2load": "nghttp2-client", "nginx": "nginx", nginxStream: "libnginx-mod-stream",
		"haproxy": "haproxy", "gcc": "gcc libc6-dev", "taskset": "util-linux",
	}); err != nil {
		return err
	}
	if err := errors.Join(compileNative(ctx, work), writeCertificate(work), writeLoadFiles(work)); err != nil {
		return err
	}
	binary, err := os.ReadFile(o.proxy)
	if err != nil {
		return fmt.Errorf("fleetgate-proxy (make build makes it): %w", err)
	}
	if err := os.WriteFile(filepath.Join(work, proxyFile), binary, 0o755); err != nil {
		return err
	}
	f := machineFacts(ctx)
	f.Prepared = []string{nameFleetgate, nameNginx, nameHAProxy, nameForwarder}
	for _, p := range goPeers {
		if !o.needed(engines([]string{p.name})[0]) {
			continue
		}
		if err := compilePeer(ctx, work, p.folder); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			f.Missing = append(f.Missing, fmt.Sprintf("%s: %s", p.name, firstLine(err.Error())))
			continue
		}
		f.Prepared = append(f.Prepared, p.name)
		if p.module != "" {
			f.Versions = append(f.Versions, p.name+" "+output(ctx, "go", "list", "-m", "-f", "{{.Version}}", p.module))
		}
	}
	f.findTraefik(ctx)
	return f.write(work)
}

// findTraefik takes a Traefik that is installed. Its Go module cannot be built
// by itself: a package of it is in a module that is not published.
func (f *facts) findTraefik(ctx context.Context) {
	if !installed("traefik") {
		f.Missing = append(f.Missing, "Traefik: no program of that name is installed; it is no Debian package, and its Go module does not build without its repository")
		return
	}
	f.Prepared = append(f.Prepared, nameTraefik, nameTraefikFast)
	f.Versions = append(f.Versions, versionOf("Traefik", output(ctx, "traefik", "version")))
}

// install installs the Debian packages whose programs are missing. Packages of
// daemons start them where nothing keeps them from it; RUNLEVEL does.
func install(ctx context.Context, packages map[string]string) error {
	var missing []string
	for program, names := range packages {
		if !installed(program) {
			missing = append(missing, strings.Fields(names)...)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("missing programs; install: %s", strings.Join(missing, " "))
	}
	fmt.Println("Installing", strings.Join(missing, " "))
	cmd := exec.CommandContext(ctx, "apt-get", append([]string{"install", "-y", "-q", "--no-install-recommends"}, missing...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("installing %s: %w\n%s", strings.Join(missing, " "), err, out)
	}
	return nil
}

// installed finds a program by its name, or a file by its path.
func installed(program string) bool {
	if filepath.IsAbs(program) {
		_, err := os.Stat(program)
		return err == nil
	}
	_, err := exec.LookPath(program)
	return err == nil
}

func compileNative(ctx context.Context, work string) error {
	if err := os.CopyFS(work, native); err != nil {
		return err
	}
	for _, name := range []string{"backend", "bulk", "forwarder", "grpc", "paced"} {
		source := filepath.Join(work, "native", name+".c")
		if out, err := exec.CommandContext(ctx, "gcc", "-O2", "-o", filepath.Join(work, name), source).CombinedOutput(); err != nil {
			return fmt.Errorf("compiling %s: %w\n%s", name, err, out)
		}
	}
	return nil
}

func compilePeer(ctx context.Context, work, folder string) error {
	fmt.Println("Building peer", folder)
	ctx, cancel := context.WithTimeout(ctx, peersTimeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", filepath.Join(work, folder), "./peers/"+folder).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s (%w)", firstLine(string(out)), err)
	}
	return nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
