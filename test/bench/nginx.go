package main

// nginxStream is the module that makes nginx forward TCP.
const nginxStream = "/usr/lib/nginx/modules/ngx_stream_module.so"

// nginxConfig keeps connections on both sides alive for ever and writes neither
// logs nor bodies to disk. With its default buffers nginx needs more than twice
// the CPU time for a body of 100 KiB; these were the best of those tried.
const nginxConfig = "load_module " + nginxStream + `;
user root;
worker_processes 1;
daemon off;
pid nginx.pid;
error_log stderr error;
events { worker_connections 19000; }
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
  ssl_certificate {{.Certificate}};
  ssl_certificate_key {{.Key}};
  ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
  server {
    listen 127.0.0.1:{{.Plain}} backlog=4096;
    listen 127.0.0.1:{{.Secure}} ssl http2 backlog=4096;
    listen 127.0.0.1:{{.Clear2}} http2 backlog=4096;
    location / {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
  server {
    listen 127.0.0.1:{{.Calls}} http2 backlog=4096;
    location / {
      grpc_pass grpc://calls;
      grpc_set_header X-Forwarded-For $remote_addr;
    }
  }
  upstream backend {
    server 127.0.0.1:{{.Backend}};
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
  }
  upstream calls {
    server 127.0.0.1:{{.CallsBackend}};
    keepalive 1024;
    keepalive_requests 1000000000;
    keepalive_timeout 300s;
  }
}
stream {
  server {
    listen 127.0.0.1:{{.Stream}} backlog=4096;
    proxy_pass 127.0.0.1:{{.StreamBackend}};
    proxy_buffer_size 256k;
  }
}
`
