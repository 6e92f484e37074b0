package router

import "bytes"

// matchesQuery compares the first parameter of the matcher's name in a raw
// query. Names and values are compared in decoded form ("+" is a space).
func (v *valueMatcher) matchesQuery(query []byte) bool {
	for len(query) > 0 {
		pair := query
		if i := bytes.IndexByte(query, '&'); i >= 0 {
			pair, query = query[:i], query[i+1:]
		} else {
			query = nil
		}
		name, value, _ := bytes.Cut(pair, []byte{'='})
		if equalDecoded(name, v.name) {
			return v.matchesRaw(value)
		}
	}
	return false
}

func (v *valueMatcher) matchesRaw(value []byte) bool {
	if v.pattern == nil {
		return equalDecoded(value, v.value)
	}
	if bytes.IndexByte(value, '%') < 0 && bytes.IndexByte(value, '+') < 0 {
		return v.pattern.Match(value)
	}
	// The one place where finding allocates: a pattern and an escaped value.
	return v.pattern.Match(decoded(value))
}

// equalDecoded says whether raw stands for want.
func equalDecoded(raw []byte, want string) bool {
	n := 0
	for i := 0; i < len(raw); n++ {
		c, size := decodeByte(raw[i:])
		if n == len(want) || want[n] != c {
			return false
		}
		i += size
	}
	return n == len(want)
}

func decoded(raw []byte) []byte {
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); {
		c, size := decodeByte(raw[i:])
		out = append(out, c)
		i += size
	}
	return out
}

// decodeByte decodes the first byte of a form-encoded string and returns how
// long its encoding is. A broken escape stands for itself.
func decodeByte(raw []byte) (c byte, size int) {
	switch {
	case raw[0] == '+':
		return ' ', 1
	case raw[0] == '%' && len(raw) > 2:
		hi, ok1 := unhex(raw[1])
		lo, ok2 := unhex(raw[2])
		if ok1 && ok2 {
			return hi<<4 | lo, 3
		}
	}
	return raw[0], 1
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
