package main

// caddyConfig has neither logs nor an admin port, and keeps as many idle
// connections to the backend as there are clients.
const caddyConfig = `{
  "admin": {"disabled": true, "config": {"persist": false}},
  "logging": {"logs": {"default": {"level": "ERROR"}}},
  "apps": {
    "tls": {"certificates": {"load_files": [{"certificate": "{{.Certificate}}", "key": "{{.Key}}"}]}},
    "http": {"servers": {
      "clear": {
        "listen": ["127.0.0.1:{{.Plain}}", "127.0.0.1:{{.Clear2}}"],
        "protocols": ["h1", "h2c"],
        "automatic_https": {"disable": true},
        "routes": [{"handle": [{{template "proxy" .}}]}]
      },
      "secure": {
        "listen": ["127.0.0.1:{{.Secure}}"],
        "protocols": ["h1", "h2"],
        "automatic_https": {"disable": true},
        "tls_connection_policies": [{}],
        "routes": [{"handle": [{{template "proxy" .}}]}]
      }
    }}
  }
}
{{- define "proxy"}}{
  "handler": "reverse_proxy",
  "upstreams": [{"dial": "127.0.0.1:{{.Backend}}"}],
  "transport": {"protocol": "http", "compression": false, "keep_alive": {"max_idle_conns_per_host": 1024}}
}{{end}}`
