// Package tenant knows one tenant of the test cluster: a namespace with a
// Gateway, the address it got, and the proxies behind it.
package tenant
