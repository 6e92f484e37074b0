package peer

// The configurations pass a request on as it was understood, with its host, and
// with as little of their own as each program allows.
const (
	nginxConfig = `
daemon off;
pid $DIR/pid;
worker_processes 1;
events {}
http {
	access_log off;
	client_max_body_size 0;
	proxy_request_buffering off;
	client_body_temp_path $DIR/body;
	proxy_temp_path $DIR/proxy;
	fastcgi_temp_path $DIR/fastcgi;
	uwsgi_temp_path $DIR/uwsgi;
	scgi_temp_path $DIR/scgi;
	server {
		listen 127.0.0.1:$PORT;
		merge_slashes off;
		location / {
			proxy_pass http://$ORIGIN;
			proxy_http_version 1.1;
			proxy_set_header Host $http_host;
			proxy_set_header Connection "";
		}
	}
}
`
	haproxyConfig = `
defaults
	mode http
	timeout client 30s
	timeout server 30s
	timeout connect 5s
frontend in
	bind 127.0.0.1:$PORT
	default_backend out
backend out
	server origin $ORIGIN
`
	apacheConfig = `
ServerRoot $DIR
ServerName backend
PidFile $DIR/pid
Mutex file:$DIR
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
User www-data
Group www-data
Listen 127.0.0.1:$PORT
ErrorLog /dev/stderr
AllowEncodedSlashes NoDecode
MergeSlashes Off
ProxyPreserveHost On
ProxyPass "/" "http://$ORIGIN/" nocanon
`
	h2oConfig = `
listen:
  host: 127.0.0.1
  port: $PORT
num-threads: 1
proxy.preserve-host: ON
hosts:
  default:
    paths:
      /:
        proxy.reverse.url: http://$ORIGIN/
`
)
