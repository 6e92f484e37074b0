package proxyconfig

import (
	"fmt"
	"strings"
)

// MaxWeight is the greatest weight of a backend reference.
const MaxWeight = 1000000

// ValidateRoute returns why the frame of a route is not sound. It does not look into
// the rules: see ValidateRouteRule.
func ValidateRoute(r *Route) error {
	if r.Kind == "" || r.Namespace == "" || r.Name == "" {
		return fmt.Errorf("the route has no identity")
	}
	for i := range r.Attachments {
		if err := validateAttachment(&r.Attachments[i]); err != nil {
			return err
		}
	}
	return nil
}

func validateAttachment(a *Attachment) error {
	if len(a.Written) > 0 && len(a.Written) != len(a.Hostnames) {
		return fmt.Errorf("%d hostnames have %d written ones", len(a.Hostnames), len(a.Written))
	}
	for _, list := range [][]string{a.Hostnames, a.Written} {
		for _, h := range list {
			if err := validateHostname(h); err != nil {
				return err
			}
		}
	}
	return nil
}

// ValidateRule checks one rule by itself, and returns Rule.Invalid as an error
// where the operator set it. A rule that is refused still matches and answers
// 500, as far as its matches are sound.
func ValidateRule(r *Rule) error {
	if r.Invalid != "" {
		return fmt.Errorf("%s", r.Invalid)
	}
	prefixes := true
	for i := range r.Matches {
		if err := ValidateMatch(&r.Matches[i]); err != nil {
			return err
		}
		if p := r.Matches[i].Path; p != nil && p.Type != PathPrefix {
			prefixes = false
		}
	}
	if err := validateFilters(r.Filters, prefixes); err != nil {
		return err
	}
	if err := ValidateRetry(r.Retry); err != nil {
		return err
	}
	for i := range r.Backends {
		if err := validateBackendRef(&r.Backends[i], prefixes); err != nil {
			return err
		}
	}
	return nil
}

// ValidateMatch checks one match by itself.
func ValidateMatch(m *Match) error {
	if err := validatePath(m.Path); err != nil {
		return err
	}
	if m.Method != "" && !isToken(m.Method) {
		return fmt.Errorf("method %q is not a token", m.Method)
	}
	for i := range m.Headers {
		if !isToken(m.Headers[i].Name) {
			return fmt.Errorf("header name %q is not a token", m.Headers[i].Name)
		}
		if err := validateValue("header", &m.Headers[i]); err != nil {
			return err
		}
	}
	for i := range m.Query {
		if m.Query[i].Name == "" {
			return fmt.Errorf("a query parameter has no name")
		}
		if err := validateValue("query parameter", &m.Query[i]); err != nil {
			return err
		}
	}
	return nil
}

func validatePath(p *PathMatch) error {
	if p == nil {
		return nil
	}
	switch p.Type {
	case PathExact, PathPrefix:
		if !strings.HasPrefix(p.Value, "/") {
			return fmt.Errorf("path %q does not begin with a slash", p.Value)
		}
		return nil
	case PathRegex:
		if _, err := CompileRegexp(p.Value); err != nil {
			return fmt.Errorf("path: %w", err)
		}
		return nil
	}
	return fmt.Errorf("unknown type of path match %q", p.Type)
}

func validateValue(what string, v *ValueMatch) error {
	switch v.Type {
	case ValueExact:
		return nil
	case ValueRegex:
		if _, err := CompileRegexp(v.Value); err != nil {
			return fmt.Errorf("%s %q: %w", what, v.Name, err)
		}
		return nil
	}
	return fmt.Errorf("unknown type of %s match %q", what, v.Type)
}

func validateBackendRef(b *BackendRef, prefixes bool) error {
	if b.Weight < 0 || b.Weight > MaxWeight {
		return fmt.Errorf("weight %d is not in 0..%d", b.Weight, MaxWeight)
	}
	for i := range b.Filters {
		switch b.Filters[i].Type {
		case FilterRedirect:
			return fmt.Errorf("a backend reference cannot have a redirect")
		case FilterCORS, FilterMirror, FilterExternalAuth:
			return fmt.Errorf("a backend reference cannot have a filter %s", b.Filters[i].Type)
		}
	}
	if err := ValidateSession(b.Session); err != nil {
		return fmt.Errorf("session persistence: %w", err)
	}
	return validateFilters(b.Filters, prefixes)
}
