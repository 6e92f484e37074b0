package proxyconfig

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

func validateCORS(c *CORS) error {
	for _, o := range c.AllowOrigins {
		if err := validateOrigin(o); err != nil {
			return err
		}
	}
	if len(c.AllowOrigins) > 1 && slices.Contains(c.AllowOrigins, "*") {
		return fmt.Errorf(`the origin "*" excludes others`)
	}
	for _, name := range slices.Concat(c.AllowMethods, c.AllowHeaders, c.ExposeHeaders) {
		if !isToken(name) {
			return fmt.Errorf("%q is not a token", name)
		}
	}
	if c.MaxAgeSeconds < 0 {
		return fmt.Errorf("maximum age %d is negative", c.MaxAgeSeconds)
	}
	return nil
}

// validateOrigin takes what the Gateway API's CORSOrigin does: "*", or a scheme,
// a host that is or begins with a wildcard or has none, and a port.
func validateOrigin(o string) error {
	if o == "*" {
		return nil
	}
	scheme, host, ok := strings.Cut(o, "://")
	if !ok || scheme != "http" && scheme != "https" {
		return fmt.Errorf("origin %q does not begin with http:// or https://", o)
	}
	if name, port, ok := strings.Cut(host, ":"); ok {
		host = name
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("origin %q has no port in 1..65535", o)
		}
	}
	if host == "*" {
		return nil
	}
	for label := range strings.SplitSeq(strings.TrimPrefix(host, "*."), ".") {
		if label == "" || strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return fmt.Errorf("origin %q has no valid host", o)
		}
	}
	return nil
}

func validateMirror(m *Mirror) error {
	if m.Backend == "" {
		return fmt.Errorf("the mirror has no backend")
	}
	if f := m.Fraction; f != nil && (f.Denominator < 1 || f.Numerator < 0 || f.Numerator > f.Denominator) {
		return fmt.Errorf("%d/%d is not a fraction in 0..1", f.Numerator, f.Denominator)
	}
	return nil
}
