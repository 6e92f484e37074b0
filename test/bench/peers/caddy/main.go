// Command caddy is Caddy's HTTP server with its reverse proxy alone: the peer
// that is built on net/http.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/caddyserver/caddy/v2"

	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp"
	_ "github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// config has neither TLS, nor logs, nor an admin port, and keeps as many idle
// connections to the backend as there are clients.
const config = `{
  "admin": {"disabled": true, "config": {"persist": false}},
  "logging": {"logs": {"default": {"level": "ERROR"}}},
  "apps": {"http": {"servers": {"bench": {
    "listen": [%q],
    "automatic_https": {"disable": true},
    "routes": [{"handle": [{
      "handler": "reverse_proxy",
      "upstreams": [{"dial": %q}],
      "transport": {"protocol": "http", "compression": false, "keep_alive": {"max_idle_conns_per_host": 1024}}
    }]}]
  }}}}
}`

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: caddy LISTEN BACKEND")
		os.Exit(2)
	}
	if err := caddy.Load(fmt.Appendf(nil, config, os.Args[1], os.Args[2]), true); err != nil {
		fmt.Fprintln(os.Stderr, "caddy:", err)
		os.Exit(1)
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}
