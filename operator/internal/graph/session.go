package graph

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// readSession reads the session persistence of a rule. It works after the weights
// have chosen a backend, and is the same for all of them (GEP-1619, Traffic
// Splitting).
func (r *Rule) readSession(route *Route, index int, at string) {
	source := r.HTTP.SessionPersistence
	if source == nil {
		return
	}
	// By its name, a rule keeps its sessions when others come before it.
	rule := cmp.Or(string(value(r.HTTP.Name, "")), strconv.Itoa(index))
	unnamed := route.Kind + "/" + route.Name.String() + "/" + rule
	session, problems := readSession(source, unnamed)
	for _, problem := range problems {
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.sessionPersistence%s", at, problem)
	}
	r.Session = session
}

// SessionAt returns the session persistence of the rule's requests to a backend,
// which may be nil: the rule's own, or else the backend's.
func (r *Rule) SessionAt(backend *Backend) *proxyconfig.Session {
	switch {
	case backend == nil:
		return nil
	case r.Session != nil:
		return r.Session
	}
	return backend.Session
}

// checkAffinity tells of a Service that keeps sessions by itself, which is without
// effect on proxies: they connect to endpoints. It is for the Service's owner to
// say, who must not be able to spoil a rule of somebody else.
func (b *builder) checkAffinity(rule *Rule, field string, backend *Backend) {
	if rule.Session != nil && backend != nil && backend.Key.Kind == "" && b.hasAffinity(backend.Key.Service) {
		rule.Notes = append(rule.Notes, field+": the sessionAffinity of Service "+backend.Key.Service.String()+" has no effect beside sessionPersistence")
	}
}

func (b *builder) hasAffinity(name types.NamespacedName) bool {
	service := b.in.Services[name]
	return service != nil && service.Spec.SessionAffinity == corev1.ServiceAffinityClientIP
}

// readSession fills in the defaults. What is wrong is told by problems, each of
// which begins where the name of the field has ended. A cookie without a name
// gets one that stands for unnamed and tells nothing of it.
func readSession(source *gatewayv1.SessionPersistence, unnamed string) (*proxyconfig.Session, []string) {
	var problems []string
	out := &proxyconfig.Session{}
	switch typ := value(source.Type, gatewayv1.CookieBasedSessionPersistence); typ {
	case gatewayv1.CookieBasedSessionPersistence:
		out.Type = proxyconfig.SessionCookie
		problems = readSessionCookie(out, source, unnamed)
	case gatewayv1.HeaderBasedSessionPersistence:
		out.Type = proxyconfig.SessionHeader
		problems = readSessionHeader(out, source)
	default:
		return nil, []string{".type " + strconv.Quote(string(typ)) + " is not known"}
	}
	if text := source.AbsoluteTimeout; text != nil {
		timeout, ok := ParseDuration(*text)
		if !ok || timeout < time.Millisecond {
			problems = append(problems, ".absoluteTimeout "+strconv.Quote(string(*text))+" is not a duration above zero")
		}
		out.TimeoutMillis = timeout.Milliseconds()
	}
	if len(problems) > 0 {
		return nil, problems
	}
	if err := proxyconfig.ValidateSession(out); err != nil {
		return nil, []string{": " + err.Error()}
	}
	return out, nil
}

func readSessionCookie(out *proxyconfig.Session, source *gatewayv1.SessionPersistence, unnamed string) (problems []string) {
	if source.Header != nil {
		problems = append(problems, ".header is set, and the type is Cookie")
	}
	cookie := source.Cookie
	if cookie == nil {
		cookie = &gatewayv1.CookieConfig{}
	}
	out.Name = string(value(cookie.Name, ""))
	if cookie.Name == nil {
		sum := sha256.Sum256([]byte(unnamed))
		out.Name = "fleetgate-" + hex.EncodeToString(sum[:6])
	}
	out.Path = value(cookie.Path, "/")
	switch lifetime := value(cookie.LifetimeType, gatewayv1.SessionCookieLifetimeType); lifetime {
	case gatewayv1.SessionCookieLifetimeType:
	case gatewayv1.PermanentCookieLifetimeType:
		out.Permanent = true
		if source.AbsoluteTimeout == nil {
			problems = append(problems, ".cookie.lifetimeType is Permanent, and there is no absoluteTimeout")
		}
	default:
		problems = append(problems, ".cookie.lifetimeType "+strconv.Quote(string(lifetime))+" is not known")
	}
	return problems
}

func readSessionHeader(out *proxyconfig.Session, source *gatewayv1.SessionPersistence) (problems []string) {
	if source.Cookie != nil {
		problems = append(problems, ".cookie is set, and the type is Header")
	}
	if source.Header == nil {
		return append(problems, ".header is not set, and the type is Header")
	}
	out.Name = string(source.Header.Name)
	return problems
}
