package peer

import (
	"slices"
	"strings"

	"github.com/fleetgate/fleetgate/test/protocol/recorder"
)

// quirks are what the kinds refuse, or read in a way of their own, of what is
// clear by the RFCs. None concerns where a request ends.
var quirks = []struct {
	kind, why string
	of        func(r recorder.Understood) bool
}{
	{"nginx", "methods have capital letters, hyphens and underscores alone", func(r recorder.Understood) bool { return strings.Trim(r.Method, capitals+"-_") != "" }},
	{"nginx", "OPTIONS * is a bad request", isAsterisk},
	{"nginx", "an empty host is a bad request", noHost},
	{"apache2", "an empty host is a bad request", noHost},
	{"apache2", "port 0 is a bad request", func(r recorder.Understood) bool { return strings.HasSuffix(r.Host, ":0") }},
	{"apache2", "OPTIONS * is answered, not passed on", isAsterisk},
	{"h2o", "OPTIONS * is passed on as OPTIONS /", isAsterisk},
	{"node", "methods are those of a list", func(r recorder.Understood) bool { return !slices.Contains(nodeMethods, r.Method) }},
	{"go", "OPTIONS * is answered by the server itself", isAsterisk},
}

const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

var nodeMethods = []string{"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"}

func isAsterisk(r recorder.Understood) bool { return r.Target == "*" }
func noHost(r recorder.Understood) bool     { return r.Host == "" }

// Quirk says why the kind of backend does not read a request as it is meant, or
// nothing where it has no reason.
func (k Kind) Quirk(meant recorder.Understood) string {
	for _, q := range quirks {
		if q.kind == k.Name && q.of(meant) {
			return q.why
		}
	}
	return ""
}
