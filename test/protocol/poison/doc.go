// Package poison lets two clients use the proxy's connections to one backend by
// turns, each by HTTP/1.1 and HTTP/2, in cleartext and over TLS, with requests
// that keep, break and abandon those connections and some that must be refused,
// and holds each answer to the request that it belongs to.
package poison
