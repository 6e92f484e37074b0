// Package proxies asks the proxies of all fleets what they serve.
//
// A Tracker is told which pods each Gateway has, and keeps one goroutine for
// each pod that has an address. It asks for the proxy's report on the admin
// port, over TLS and with the fleet's bearer token, and has the proxy hold the
// answer back until something changes. So news arrive at once, and a thousand
// idle fleets cost next to nothing. Proxies never call the operator.
//
// A pod is believed only if it presents the fleet's own certificate and speaks
// for the fleet's Gateway: a label alone lets anybody stand among the pods.
package proxies
