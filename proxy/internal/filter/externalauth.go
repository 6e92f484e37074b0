package filter

import (
	"strings"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// ExternalAuth is a compiled question to an authorization server. It is
// immutable.
type ExternalAuth struct {
	// Backend is the ID of the backend that is asked, and GRPC whether it is by
	// gRPC, as Authority.
	Backend   string
	GRPC      bool
	Authority string
	// PathPrefix goes before the path. It has no slash at its end.
	PathPrefix string
	// MaxBody is the size of the largest body that the server is shown; zero
	// shows none.
	MaxBody int

	// shown and taken are names in lower case.
	shown, taken []string
	showsAll     bool
}

func compileExternalAuth(in *proxyconfig.ExternalAuth) *ExternalAuth {
	a := &ExternalAuth{
		Backend: in.Backend, GRPC: in.Protocol == proxyconfig.AuthGRPC, Authority: in.Authority,
		PathPrefix: strings.TrimRight(in.PathPrefix, "/"), MaxBody: int(in.MaxBodyBytes),
		shown: lowered(in.RequestHeaders), taken: lowered(in.ResponseHeaders),
	}
	if a.GRPC {
		a.showsAll = len(a.shown) == 0
	} else {
		a.shown = append(a.shown, "authorization")
	}
	return a
}

func lowered(names []string) []string {
	var out []string
	for _, name := range names {
		out = append(out, strings.ToLower(name))
	}
	return out
}

// Drops implements h1.Dropper for the question: it leaves out what the server is
// not to be shown, and what would have it wait for a body.
func (a *ExternalAuth) Drops(name []byte) bool {
	return !a.showsAll && !contains(a.shown, name) || h1.KindOf(name) == h1.Expect
}

// Takes reports whether a field of the server's answer is set on the request.
// Where the rule does not say which are, those that describe the answer itself
// are not (RFC 9110, section 8): the body of the request is another one.
func (a *ExternalAuth) Takes(name []byte) bool {
	if len(a.taken) > 0 {
		return contains(a.taken, name)
	}
	return !describes(name)
}

// Vouches reports whether only the server can know the value of a request's
// field: the rule takes it from there, and does not show what the client says.
// Names that a backend could mistake for one another are one.
func (a *ExternalAuth) Vouches(name []byte) bool {
	for _, taken := range a.taken {
		if h1.EqualAlias(name, strings.ReplaceAll(taken, "_", "-")) {
			return a.Drops(name)
		}
	}
	return false
}

func describes(name []byte) bool {
	const prefix = "content-"
	return len(name) > len(prefix) && h1.EqualFold(name[:len(prefix)], prefix) || h1.EqualFold(name, "trailer")
}

func contains(names []string, name []byte) bool {
	for _, n := range names {
		if h1.EqualFold(name, n) {
			return true
		}
	}
	return false
}
