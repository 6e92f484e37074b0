package main

import (
	"os"
	"path/filepath"
)

// traefikFast is what its other engine needs in Traefik's configuration.
const traefikFast = `
experimental:
  fastProxy: {}`

const traefikStatic = `global:
  checkNewVersion: false
  sendAnonymousUsage: false
log:
  level: ERROR
entryPoints:
  web:
    address: 127.0.0.1:{{.Plain}}
serversTransport:
  maxIdleConnsPerHost: 1024
providers:
  file:
    filename: {{.Work}}/traefik-routes.yaml
    watch: false`

const traefikRoutes = `http:
  routers:
    bench:
      rule: PathPrefix("/")
      service: app
  services:
    app:
      loadBalancer:
        servers:
          - url: http://127.0.0.1:{{.Backend}}
`

// traefik runs Traefik with one of its engines.
func traefik(more string) func(site) ([]string, error) {
	return func(s site) ([]string, error) {
		dir, err := os.MkdirTemp(s.Work, "traefik-")
		if err != nil {
			return nil, err
		}
		if err := writeTemplate(filepath.Join(s.Work, "traefik-routes.yaml"), traefikRoutes, s); err != nil {
			return nil, err
		}
		file := filepath.Join(dir, "traefik.yaml")
		return []string{"traefik", "--configFile=" + file}, writeTemplate(file, traefikStatic+more+"\n", s)
	}
}
