package proxyconfig

import (
	"fmt"
	"slices"
	"strings"
)

// RedirectStatuses are the statuses that a redirect may have.
func RedirectStatuses() []int { return []int{301, 302, 303, 307, 308} }

// validateFilters checks the filters of one rule or backend reference.
// prefixes says that the rule's matches are all path prefixes.
func validateFilters(filters []Filter, prefixes bool) error {
	seen := map[FilterType]bool{}
	for i := range filters {
		f := &filters[i]
		// The Gateway API forbids repeating these, and the order of two of one
		// type would have no meaning here. Mirrors do not get in each other's way.
		if seen[f.Type] && f.Type != FilterMirror {
			return fmt.Errorf("filter %s is there twice", f.Type)
		}
		seen[f.Type] = true
		if err := validateFilter(f, prefixes); err != nil {
			return fmt.Errorf("filter %s: %w", f.Type, err)
		}
	}
	if seen[FilterRedirect] && seen[FilterRewrite] {
		return fmt.Errorf("a redirect and a rewrite exclude each other")
	}
	return nil
}

func validateFilter(f *Filter, prefixes bool) error {
	missing := fmt.Errorf("its field is not set")
	switch f.Type {
	case FilterRequestHeaders, FilterResponseHeaders:
		if f.Headers == nil {
			return missing
		}
		return validateEdits(f.Headers)
	case FilterRedirect:
		if f.Redirect == nil {
			return missing
		}
		return validateRedirect(f.Redirect, prefixes)
	case FilterRewrite:
		if f.Rewrite == nil {
			return missing
		}
		if err := validateTarget(f.Rewrite.Hostname); err != nil {
			return err
		}
		return validatePathRewrite(f.Rewrite.Path, prefixes)
	case FilterCORS:
		if f.CORS == nil {
			return missing
		}
		return validateCORS(f.CORS)
	case FilterMirror:
		if f.Mirror == nil {
			return missing
		}
		return validateMirror(f.Mirror)
	case FilterExternalAuth:
		if f.ExternalAuth == nil {
			return missing
		}
		return validateExternalAuth(f.ExternalAuth)
	}
	return fmt.Errorf("the type is unknown")
}

func validateEdits(e *HeaderEdits) error {
	for _, h := range slices.Concat(e.Set, e.Add) {
		if err := validateFieldName(h.Name); err != nil {
			return err
		}
		if !isFieldValue(h.Value) {
			return fmt.Errorf("the value of header %q has a control character or outer space", h.Name)
		}
	}
	for _, name := range e.Remove {
		if err := validateFieldName(name); err != nil {
			return err
		}
	}
	return nil
}

// validateFieldName refuses the fields that frame a message or belong to one
// connection (RFC 9110, section 7.6.1): edited, they would make the two ends
// disagree about where a message stops.
func validateFieldName(name string) error {
	if !isToken(name) {
		return fmt.Errorf("header name %q is not a token", name)
	}
	switch strings.ToLower(name) {
	case "connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade":
		return fmt.Errorf("header %q frames the message and cannot be edited", name)
	}
	return nil
}

func validateRedirect(r *Redirect, prefixes bool) error {
	if r.Scheme != "" && r.Scheme != "http" && r.Scheme != "https" {
		return fmt.Errorf("scheme %q is neither http nor https", r.Scheme)
	}
	if err := validateTarget(r.Hostname); err != nil {
		return err
	}
	if r.Port != 0 {
		if err := validatePort(r.Port); err != nil {
			return err
		}
	}
	if !slices.Contains(RedirectStatuses(), r.Status) {
		return fmt.Errorf("status %d is not one of a redirect", r.Status)
	}
	return validatePathRewrite(r.Path, prefixes)
}

// validateTarget checks a hostname that is written into a message.
func validateTarget(h string) error {
	if strings.HasPrefix(h, "*") {
		return fmt.Errorf("hostname %q has a wildcard", h)
	}
	return validateHostname(h)
}

func validatePathRewrite(p *PathRewrite, prefixes bool) error {
	if p == nil {
		return nil
	}
	switch p.Type {
	case ReplaceFullPath:
	case ReplacePrefixMatch:
		if !prefixes {
			return fmt.Errorf("%s needs matches of type %s", ReplacePrefixMatch, PathPrefix)
		}
	default:
		return fmt.Errorf("unknown type of path rewrite %q", p.Type)
	}
	if !isTarget(p.Value) {
		return fmt.Errorf("path %q cannot be part of a request line", p.Value)
	}
	return nil
}

// isToken is RFC 9110, section 5.6.2.
func isToken(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// isFieldValue is RFC 9110, section 5.5: no control characters but tabs, and
// no space at the ends.
func isFieldValue(s string) bool {
	if s != strings.Trim(s, " \t") {
		return false
	}
	for _, c := range []byte(s) {
		if (c < ' ' && c != '\t') || c == 0x7f {
			return false
		}
	}
	return true
}

// isTarget says whether s is made of what a request line may hold.
func isTarget(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return true
}
