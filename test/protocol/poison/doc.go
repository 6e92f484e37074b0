// Package poison lets two clients use the proxy's connections to one backend by
// turns, with requests that keep, break and abandon those connections, and holds
// each answer to the client that it belongs to.
package poison
