package h1

// The classes of bytes that parsing tells apart.
const (
	isToken      uint8 = 1 << iota // RFC 9110, section 5.6.2
	isValue                        // may stand in a field value: VCHAR, obs-text, SP, HTAB
	isUnreserved                   // RFC 3986, section 2.3
	isTarget                       // may stand in a request target
	isHost                         // may stand in a registered name or IPv4 address
	isHex
)

// class gives the classes of each byte, fold its lower case form with an
// underscore taken for a hyphen, as CGI-like backends read names.
var class, fold = classes()

func classes() (class [256]uint8, fold [256]byte) {
	for i := range 256 {
		c := byte(i)
		fold[i] = c
		if c >= 0x20 && c != 0x7f || c == '\t' {
			class[i] |= isValue
		}
		if c > 0x20 && c < 0x7f && c != '#' {
			class[i] |= isTarget
		}
	}
	set := func(bytes string, bits uint8) {
		for i := range len(bytes) {
			class[bytes[i]] |= bits
		}
	}
	const digits, lower, upper = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	set(digits+lower+upper, isToken|isUnreserved|isHost)
	set("!#$%&'*+-.^_`|~", isToken)
	set("-._~", isUnreserved)
	set("-._", isHost)
	set(digits+"abcdefABCDEF", isHex)
	for i := range len(upper) {
		fold[upper[i]] = lower[i]
	}
	fold['_'] = '-'
	return class, fold
}

// EqualFold reports whether b is the lower case ASCII string s in any case.
func EqualFold(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if lowerByte(b[i]) != s[i] {
			return false
		}
	}
	return true
}

// EqualAlias is EqualFold that takes an underscore for a hyphen.
func EqualAlias(b []byte, s string) bool {
	if len(b) != len(s) {
		return false
	}
	for i := range b {
		if fold[b[i]] != s[i] {
			return false
		}
	}
	return true
}

// Alike reports whether two names are one for who takes no notice of case, and
// an underscore for a hyphen.
func Alike(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if fold[a[i]] != fold[b[i]] {
			return false
		}
	}
	return true
}

func lowerByte(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func all(b []byte, bits uint8) bool {
	for _, c := range b {
		if class[c]&bits == 0 {
			return false
		}
	}
	return true
}

// IsValue reports whether b may be the value of a field (RFC 9110, section 5.5).
func IsValue(b []byte) bool { return validValue(b) }

// IsToken reports whether b is a token (RFC 9110, section 5.6.2).
func IsToken(b []byte) bool { return len(b) > 0 && all(b, isToken) }

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}

func trimOWS(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
