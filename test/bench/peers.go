package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// The engines, by the names that the document uses.
const (
	nameFleetgate = "Fleetgate"
	nameNginx     = "nginx"
	nameHAProxy   = "HAProxy"
	nameForwarder = "C forwarder"
	nameFasthttp  = "fasthttp"
	nameNetHTTP   = "net/http"
	nameCaddy     = "Caddy"
)

// engine is a proxy that is measured.
type engine struct {
	name string
	port int
	// command writes the configuration and returns the command to run.
	command func() ([]string, error)
}

// engines are those that were prepared, in the order in which they are
// measured. Each has one worker.
func engines(work string, prepared []string) []engine {
	configured := func(name, text string, port int, command ...string) func() ([]string, error) {
		return func() ([]string, error) {
			file := filepath.Join(work, name)
			text := fmt.Sprintf(text, port, backendPort)
			return append(command, file), os.WriteFile(file, []byte(text), 0o644)
		}
	}
	plain := func(name string, arguments ...string) func() ([]string, error) {
		return func() ([]string, error) {
			return append([]string{filepath.Join(work, name)}, arguments...), nil
		}
	}
	backend := address(backendPort)
	all := []engine{
		{nameFleetgate, 8801, func() ([]string, error) { return fleetgate(work, 8801) }},
		{nameNginx, 8802, configured("nginx.conf", nginxConfig, 8802, "nginx", "-p", work, "-c")},
		{nameHAProxy, 8803, configured("haproxy.cfg", haproxyConfig, 8803, "haproxy", "-db", "-f")},
		{nameForwarder, 8804, plain("forwarder", "8804", fmt.Sprint(backendPort))},
		{nameFasthttp, 8805, plain("fasthttp", address(8805), backend)},
		{nameNetHTTP, 8806, plain("nethttp", address(8806), backend)},
		{nameCaddy, 8807, plain("caddy", address(8807), backend)},
	}
	return slices.DeleteFunc(all, func(e engine) bool { return !slices.Contains(prepared, e.name) })
}

// nginxConfig keeps connections on both sides alive for ever and writes neither
// logs nor bodies to disk. With its default buffers nginx needs more than twice
// the CPU time for a body of 100 KiB; these were the best of those tried. Its
// arguments are the own port and the backend's.
const nginxConfig = `user root;
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
pid nginx.pid;
error_log stderr error;
events { worker_connections 16384; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 300s;
  proxy_max_temp_file_size 0;
  proxy_buffer_size 32k;
  proxy_buffers 8 32k;
  proxy_busy_buffers_size 64k;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen 127.0.0.1:%d backlog=4096;
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
  upstream backend {
    server 127.0.0.1:%d;
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
  }
}
`

// haproxyConfig does the same for HAProxy.
const haproxyConfig = `global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
  option forwardfor
  http-reuse always
frontend bench
  bind 127.0.0.1:%d backlog 4096
  default_backend app
backend app
  server app 127.0.0.1:%d
`
