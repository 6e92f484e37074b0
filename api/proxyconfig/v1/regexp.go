package proxyconfig

import (
	"fmt"
	"regexp"
)

// maxRegexpBytes bounds a pattern. RE2 is linear in the input, but a program's
// size grows with the pattern.
const maxRegexpBytes = 4096

// CompileRegexp compiles a pattern of a match. It matches a whole value and
// not a part of it, which the Gateway API leaves to the implementation: a user
// who writes "/v[12]" does not expect "/old/v1/x" to match.
func CompileRegexp(pattern string) (*regexp.Regexp, error) {
	if len(pattern) > maxRegexpBytes {
		return nil, fmt.Errorf("the regular expression has %d bytes, more than %d", len(pattern), maxRegexpBytes)
	}
	// The bare pattern is compiled first, for a pattern such as "a)|(b" is
	// valid only within the parentheses that are added below.
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, err
	}
	return regexp.Compile(`\A(?:` + pattern + `)\z`)
}
