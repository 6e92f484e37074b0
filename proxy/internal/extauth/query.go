package extauth

import (
	"bytes"
	"net/url"
)

// AppendTarget appends the target of a request with its query's parameters as
// the verdict changes them. Those that it does not name stay as they came.
func (v *Verdict) AppendTarget(out, target []byte) []byte {
	if len(v.SetQuery) == 0 && len(v.RemovedQuery) == 0 {
		return append(out, target...)
	}
	path, query, _ := bytes.Cut(target, []byte("?"))
	out = append(out, path...)
	separator := byte('?')
	add := func(parts ...string) {
		out = append(out, separator)
		for _, p := range parts {
			out = append(out, p...)
		}
		separator = '&'
	}
	for _, p := range bytes.Split(query, []byte("&")) {
		if len(p) > 0 && !v.dropsParameter(p) {
			add(string(p))
		}
	}
	for _, p := range v.SetQuery {
		add(url.QueryEscape(string(p.Name)), "=", url.QueryEscape(string(p.Value)))
	}
	return out
}

// dropsParameter reports whether a parameter is removed or replaced. What cannot
// be decoded is compared as it is.
func (v *Verdict) dropsParameter(parameter []byte) bool {
	raw, _, _ := bytes.Cut(parameter, []byte("="))
	name, err := url.QueryUnescape(string(raw))
	if err != nil {
		name = string(raw)
	}
	for _, removed := range v.RemovedQuery {
		if string(removed) == name {
			return true
		}
	}
	for _, set := range v.SetQuery {
		if string(set.Name) == name {
			return true
		}
	}
	return false
}
