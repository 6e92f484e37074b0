package graph

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// validHostname says whether an exact name or a wildcard such as
// "*.example.com" is well formed. IP addresses are not hostnames.
func validHostname(name string) bool {
	return validPreciseHostname(strings.TrimPrefix(name, "*."))
}

func validPreciseHostname(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if len(validation.IsDNS1123Label(label)) > 0 {
			return false
		}
	}
	return len(name) <= validation.DNS1123SubdomainMaxLength
}

// intersect returns the hostnames that both the listener and the route stand
// for, sorted, each once. An empty name, or no name at all on the route's
// side, stands for any host. No result means that they have nothing in common.
//
// Of two names of which one covers the other the narrower one is left:
//
//	listener *.example.com, route a.example.com, example.com -> a.example.com
//	listener a.example.com, route *.example.com              -> a.example.com
func intersect(listener string, route []string) []string {
	if len(route) == 0 {
		return []string{listener}
	}
	var common []string
	for _, name := range route {
		switch {
		case listener == "" || listener == name || covers(listener, name):
			common = append(common, name)
		case covers(name, listener):
			common = append(common, listener)
		}
	}
	slices.Sort(common)
	return slices.Compact(common)
}

// covers says whether wildcard, such as "*.example.com", matches all that name
// matches. It takes any number of labels, and at least one.
func covers(wildcard, name string) bool {
	suffix, ok := strings.CutPrefix(wildcard, "*")
	return ok && len(name) > len(suffix) && strings.HasSuffix(name, suffix)
}

// overlap says whether some host is covered by both hostnames.
func overlap(a, b string) bool {
	return a == "" || b == "" || a == b || covers(a, b) || covers(b, a)
}

// pathText is what an absolute path may be made of (RFC 3986, pchar and "/").
var pathText = regexp.MustCompile(`^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*$`)
