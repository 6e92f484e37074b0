package accesslog

// Fields are those of a line that are written; none stand for all but the query. The
// time is written always.
type Fields uint32

// fields are the names of what may be chosen, each with its bit.
var fields = number(
	"client", "method", "host", "target", "query", "protocol", "status", "durationMicros", "upstreamMicros", "requestBytes", "responseBytes",
	"port", "listener", "routeNamespace", "route", "rule", "backend", "endpoint", "attempts", "flags",
	"clientAcceptMicros", "clientRTTMicros", "clientRetransmits", "backendConnectMicros", "backendRTTMicros", "backendRetransmits",
	"userAgent", "requestID", "traceID",
)

func number(names ...string) map[string]Fields {
	all := make(map[string]Fields, len(names))
	for i, n := range names {
		all[n] = 1 << i
	}
	return all
}

// ParseFields reads fields by their names, and leaves out those that it does not know.
func ParseFields(names []string) Fields {
	var f Fields
	for _, n := range names {
		f |= fields[n]
	}
	return f
}

// has says whether the field of this name is written.
func (f Fields) has(name string) bool { return f == 0 && name != queryField || f&fields[name] != 0 }

// queryField is what follows the path of a target. As it may hold what is secret, it
// is written only where somebody has chosen it.
const queryField = "query"
