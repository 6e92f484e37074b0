package filter

import (
	"fmt"
	"strings"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// Chain is the compiled filters of one rule or backend reference. Each field
// may be nil. It is immutable.
type Chain struct {
	Redirect        *Redirect
	Rewrite         *Rewrite
	RequestHeaders  *HeaderEdits
	ResponseHeaders *HeaderEdits
	CORS            *CORS
	ExternalAuth    *ExternalAuth
	// Mirrors are in the order of the rule.
	Mirrors []*Mirror
}

// Compile turns filters that passed validation (proxyconfig.ValidateRule) into
// a Chain. It fails on a type that it does not know, and never leaves a filter
// out.
func Compile(filters []proxyconfig.Filter) (Chain, error) {
	var c Chain
	for i := range filters {
		if err := c.add(&filters[i]); err != nil {
			return Chain{}, err
		}
	}
	return c, nil
}

func (c *Chain) add(f *proxyconfig.Filter) error {
	switch {
	case f.Type == proxyconfig.FilterRequestHeaders && f.Headers != nil:
		c.RequestHeaders = compileEdits(f.Headers)
	case f.Type == proxyconfig.FilterResponseHeaders && f.Headers != nil:
		c.ResponseHeaders = compileEdits(f.Headers)
	case f.Type == proxyconfig.FilterRedirect && f.Redirect != nil:
		c.Redirect = compileRedirect(f.Redirect)
	case f.Type == proxyconfig.FilterRewrite && f.Rewrite != nil:
		c.Rewrite = &Rewrite{Hostname: f.Rewrite.Hostname, Path: compilePath(f.Rewrite.Path)}
	case f.Type == proxyconfig.FilterCORS && f.CORS != nil:
		c.CORS = compileCORS(f.CORS)
	case f.Type == proxyconfig.FilterMirror && f.Mirror != nil:
		c.Mirrors = append(c.Mirrors, compileMirror(f.Mirror))
	case f.Type == proxyconfig.FilterExternalAuth && f.ExternalAuth != nil:
		c.ExternalAuth = compileExternalAuth(f.ExternalAuth)
	default:
		return fmt.Errorf("filter %q is not known", f.Type)
	}
	return nil
}

// compileEdits returns nil where there is nothing to edit.
func compileEdits(e *proxyconfig.HeaderEdits) *HeaderEdits {
	if len(e.Set)+len(e.Add)+len(e.Remove) == 0 {
		return nil
	}
	out := &HeaderEdits{Set: compileLines(e.Set), Add: compileLines(e.Add)}
	for _, name := range e.Remove {
		out.Remove = append(out.Remove, strings.ToLower(name))
	}
	return out
}

func compileLines(headers []proxyconfig.Header) []HeaderLine {
	var lines []HeaderLine
	for _, h := range headers {
		lines = append(lines, HeaderLine{
			Name: strings.ToLower(h.Name),
			Line: []byte(h.Name + ": " + h.Value + "\r\n"),
		})
	}
	return lines
}

func compileRedirect(r *proxyconfig.Redirect) *Redirect {
	return &Redirect{
		Scheme:   r.Scheme,
		Hostname: r.Hostname,
		Port:     uint16(r.Port),
		Path:     compilePath(r.Path),
		Status:   r.Status,
	}
}

func compilePath(p *proxyconfig.PathRewrite) *PathRewrite {
	if p == nil {
		return nil
	}
	return &PathRewrite{
		Full:   p.Type == proxyconfig.ReplaceFullPath,
		Prefix: p.Type == proxyconfig.ReplacePrefixMatch,
		Value:  p.Value,
	}
}
