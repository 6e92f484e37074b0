package graph

import (
	"regexp"
	"strconv"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// corsOrigin is an origin other than "*", with its port as the last group
// (CORSOrigin).
var corsOrigin = regexp.MustCompile(`^https?://(?:\*|(?:\*\.)?[-a-zA-Z0-9]+(?:\.[-a-zA-Z0-9]+)*)(?::([0-9]{1,5}))?$`)

// checkCORS refuses a filter that a browser would understand otherwise than its
// author, as a schema would if there was one.
func (r *Rule) checkCORS(field string, cors *gatewayv1.HTTPCORSFilter) {
	for i, origin := range cors.AllowOrigins {
		if !validOrigin(string(origin)) {
			r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.allowOrigins[%d] %q is not valid", field, i, origin)
		}
	}
	checkWildcard(r, field+".allowOrigins", cors.AllowOrigins)
	checkWildcard(r, field+".allowMethods", cors.AllowMethods)
	checkWildcard(r, field+".allowHeaders", cors.AllowHeaders)
	checkTokens(r, field+".allowMethods", cors.AllowMethods)
	checkTokens(r, field+".allowHeaders", cors.AllowHeaders)
	checkTokens(r, field+".exposeHeaders", cors.ExposeHeaders)
	if cors.MaxAge < 0 {
		r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s.maxAge %d is negative", field, cors.MaxAge)
	}
}

func validOrigin(origin string) bool {
	if origin == "*" {
		return true
	}
	parts := corsOrigin.FindStringSubmatch(origin)
	if parts == nil || parts[1] == "" {
		return parts != nil
	}
	port, err := strconv.ParseUint(parts[1], 10, 16)
	return err == nil && port > 0
}

// checkWildcard refuses "*" beside others: it means all of them already.
func checkWildcard[T ~string](r *Rule, field string, list []T) {
	for _, entry := range list {
		if entry == "*" && len(list) > 1 {
			r.refuse(gatewayv1.RouteReasonUnsupportedValue, `%s has "*" beside others`, field)
			return
		}
	}
}

func checkTokens[T ~string](r *Rule, field string, list []T) {
	for i, entry := range list {
		if !token.MatchString(string(entry)) {
			r.refuse(gatewayv1.RouteReasonUnsupportedValue, "%s[%d] %q is not valid", field, i, entry)
		}
	}
}
