package main

// haproxyConfig does for HAProxy what nginxConfig does for nginx. HAProxy wants
// two files for each connection of maxconn, and the limit may be 20,000.
const haproxyConfig = `global
  nbthread 1
  maxconn 9500
  maxpipes 100
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
defaults
  mode http
  timeout connect 5s
  timeout client 300s
  timeout server 300s
  timeout http-keep-alive 300s
  http-reuse always
frontend bench
  option forwardfor
  bind 127.0.0.1:{{.Plain}} backlog 4096
  bind 127.0.0.1:{{.Secure}} backlog 4096 ssl crt {{.Pair}} alpn h2,http/1.1
  bind 127.0.0.1:{{.Clear2}} backlog 4096 proto h2
  default_backend app
backend app
  server app 127.0.0.1:{{.Backend}}
frontend grpc
  option forwardfor
  bind 127.0.0.1:{{.Calls}} backlog 4096 proto h2
  default_backend calls
backend calls
  server calls 127.0.0.1:{{.CallsBackend}} proto h2
listen stream
  mode tcp
  option splice-response
  bind 127.0.0.1:{{.Stream}} backlog 4096
  server stream 127.0.0.1:{{.StreamBackend}}
`
