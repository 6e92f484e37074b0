package h1

import "bytes"

// normalPath brings a path that begins with a slash into its normal form, in
// place: percent-encoded unreserved characters are decoded, other encodings
// have upper case digits, dot segments are resolved (RFC 3986, section 6.2.2),
// and slashes in a row are one, as many backends take them for one: a route for
// "/admin" is not passed by as "//admin".
//
//	/a/%2e%2E//b%7ec%2fd  ->  /b~c%2Fd
//
// A path that backends are known to read in more than one way is refused:
// backslashes and NUL however they are written, bad percent-encodings, bytes
// beyond ASCII, segments that lead out of the root, dot segments with parameters
// ("/..;x/"), and such as lead up from an empty segment ("/a//..": to "/a/" by
// RFC 3986, to "/" for those that take two slashes for one).
func normalPath(b []byte) ([]byte, error) {
	if plainPath(b) {
		return b, nil
	}
	b, err := decodePath(b)
	if err != nil {
		return nil, err
	}
	return resolveSegments(b)
}

// plainPath reports whether b is in normal form for certain.
func plainPath(b []byte) bool {
	last := byte(0)
	for _, c := range b {
		if c == '%' || c == '\\' || (c == '.' || c == '/') && last == '/' {
			return false
		}
		last = c
	}
	return true
}

const upperHex = "0123456789ABCDEF"

func decodePath(b []byte) ([]byte, error) {
	w := 0
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c == '\\' {
			return nil, ErrPath
		}
		if c != '%' {
			b[w] = c
			w++
			continue
		}
		if i+2 >= len(b) || class[b[i+1]]&class[b[i+2]]&isHex == 0 {
			return nil, ErrPath
		}
		c = unhex(b[i+1])<<4 | unhex(b[i+2])
		i += 2
		switch {
		case c == 0 || c == '\\':
			return nil, ErrPath
		case class[c]&isUnreserved != 0:
			b[w] = c
			w++
		default:
			b[w], b[w+1], b[w+2] = '%', upperHex[c>>4], upperHex[c&15]
			w += 3
		}
	}
	return b[:w], nil
}

// resolveSegments removes dot segments and empty ones in place.
func resolveSegments(b []byte) ([]byte, error) {
	w, afterEmpty := 0, false
	for i := 0; i < len(b); {
		// b[i] is the slash in front of a segment.
		end := bytes.IndexByte(b[i+1:], '/')
		if end < 0 {
			end = len(b)
		} else {
			end += i + 1
		}
		segment := b[i+1 : end]
		// What is copied may lie over the segment.
		dots, clean := dotSegment(segment)
		switch {
		case !clean:
			return nil, ErrPath
		case len(segment) == 0 && end < len(b):
			afterEmpty = true
		case dots == 0:
			w += copy(b[w:], b[i:end])
			afterEmpty = false
		case dots == 2 && (w == 0 || afterEmpty):
			return nil, ErrPath
		case dots == 2:
			w = bytes.LastIndexByte(b[:w], '/')
		}
		// A dot segment at the end leaves its slash: "/a/." is "/a/".
		if end == len(b) && dots > 0 {
			b[w] = '/'
			w++
		}
		i = end
	}
	return b[:w], nil
}

// dotSegment returns 1 for ".", 2 for ".." and 0 for any other segment. A
// segment that becomes one when its parameters are cut off is not clean.
func dotSegment(s []byte) (dots int, clean bool) {
	if i := bytes.IndexByte(s, ';'); i > 0 {
		name := string(s[:i])
		return 0, name != "." && name != ".."
	}
	switch string(s) {
	case ".":
		return 1, true
	case "..":
		return 2, true
	}
	return 0, true
}
