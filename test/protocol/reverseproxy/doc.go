// Package reverseproxy takes the tests of net/http/httputil's ReverseProxy, which
// many take for the list of what a reverse proxy can get wrong, as a checklist:
// each has a test of the same name here, on the shipped proxy, or a reason why it
// means nothing to a proxy that is no Go library.
package reverseproxy
