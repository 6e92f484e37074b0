package exchange

import (
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// What is said in plays, beside the frames of FuzzHTTP2.
const (
	askAgain   = "\x00\x00\x06\x01\x05\x00\x00\x00\x03\x82\x86\x84\x41\x01a"
	dataMore   = "\x00\x00\x03\x00\x00\x00\x00\x00\x01abc"
	dataLast   = "\x00\x00\x00\x00\x01\x00\x00\x00\x01"
	refused1   = "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x07"
	endStream1 = "\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88"
	lack1      = "\x00\x00\x05\x01\x05\x00\x00\x00\x01\x08\x03503"
	chunks     = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n"
	chunked    = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nT: x\r\n\r\n"
	unfinished = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"
	upgrading  = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nabc"
	switching  = "HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\ndef"
	denied     = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"
)

// Scripts: everything as it comes; both sides in small pieces; a backend that
// breaks; the clock between all steps; a client that does not read, and leaves.
var scripts = []string{
	"",
	"\x30\x03\x35\x02\x10\x05\x03\x30\x45\x06\x20\x15\x04",
	"\xc0\x03\xc0\x18\xf0\x03\x05\xff\x08\x0a\x2a\x03\x05\xff",
	"\xc0\x1a\x03\x2a\xc0\x3a\x05\x10\x4a\x13\x05\x20\x6a",
	"\xc0\x0b\x03\x0c\x05\xff\xc0\x0b\x05\xff\x0e\x0d\x19\x0c",
}

// seed adds each script for what two sides say.
func seed(f *testing.F, flags uint8, in, first, second string) {
	for _, s := range scripts {
		f.Add(flags, []byte(in), []byte(first), []byte(second), []byte(s))
	}
}

// perform plays what a seed, or what has become of it, has all sides say. The
// lowest bit of flags has the client speak HTTP/2, the next one the backends.
func perform(t *testing.T, flags uint8, in, first, second, script []byte, rule proxyconfig.Rule) {
	protocol := proxyconfig.BackendHTTP1
	if flags&2 != 0 {
		protocol = proxyconfig.BackendHTTP2
	}
	p := newPlay(t, flags&1 != 0, protocol, rule)
	if flags&1 != 0 {
		in = append([]byte(preface), in...)
	}
	p.client.in, p.lines = in, [2][]byte{first, second}
	p.perform(script)
}

// Whatever is said by whom and when, requests of HTTP/1.1 to backends of HTTP/2
// end, give back what they had, and tell the backends nothing that is not HTTP/2.
func FuzzHTTP1ToHTTP2(f *testing.F) {
	seed(f, 0, get+get, settings+answer1+data1, settings+lack1)
	seed(f, 0, chunks, settings+answer1+dataMore+dataLast, settings+endStream1)
	seed(f, 4, post+get, settings+refused1+goodbye, settings+answer1+dataMore+reset1)
	seed(f, 8, upgrading, settings+answer1+data1, "")
	f.Fuzz(func(t *testing.T, flags uint8, in, first, second, script []byte) {
		perform(t, flags&^3|2, in, first, second, script, timedRule(flags))
	})
}

// It is the same the other way round: HTTP/1 backends get requests that another
// implementation takes, each for the host and the path that the rule is of.
func FuzzHTTP2ToHTTP1(f *testing.F) {
	seed(f, 0, settings+ask+askAgain, ok+ok, unavailable)
	seed(f, 0, settings+askBody+dataMore+dataLast, chunked, unfinished)
	seed(f, 4, settings+askBody+dataMore+reset1, "HTTP/1.1 100 Continue\r\n\r\n"+ok, "HTTP/1.0 200 OK\r\n\r\nabc")
	seed(f, 8, settings+ask+goodbye, switching, "nonsense\r\n\r\n")
	f.Fuzz(func(t *testing.T, flags uint8, in, first, second, script []byte) {
		perform(t, flags&^3|1, in, first, second, script, timedRule(flags))
	})
}

// timedRule has time limits by some bits of flags.
func timedRule(flags uint8) proxyconfig.Rule {
	var r proxyconfig.Rule
	if flags&4 != 0 {
		r.Timeouts = &proxyconfig.Timeouts{RequestMillis: 1500}
	}
	if flags&8 != 0 {
		r.Timeouts = &proxyconfig.Timeouts{RequestMillis: 15000, BackendRequestMillis: 50}
	}
	return r
}

// seedAll adds what each pair of protocols says.
func seedAll(f *testing.F) {
	seed(f, 0, get+post, unavailable, ok)
	seed(f, 0, chunks+get, unfinished, chunked+ok)
	seed(f, 0, upgrading, unavailable, switching)
	seed(f, 1, settings+askBody+dataMore+dataLast, unavailable, ok)
	seed(f, 1, settings+ask+askAgain, unfinished, ok+ok)
	seed(f, 2, get+chunks, settings+lack1, settings+answer1+data1)
	seed(f, 3, settings+askBody+data1+askAgain, settings+refused1, settings+answer1+dataMore+dataLast)
}

// Requests that are tried again end, too, and only whole ones reach a backend.
func FuzzRetries(f *testing.F) {
	seedAll(f)
	f.Fuzz(func(t *testing.T, flags uint8, in, first, second, script []byte) {
		rule := timedRule(flags)
		rule.Retry = &proxyconfig.Retry{
			Attempts: 3, Codes: []int{503}, ConnectFailure: flags&16 == 0, Reset: flags&32 == 0, BackoffMillis: 20,
		}
		perform(t, flags, in, first, second, script, rule)
	})
}

// Copies of requests end, whatever becomes of them or of the requests.
func FuzzMirrors(f *testing.F) {
	seedAll(f)
	f.Fuzz(func(t *testing.T, flags uint8, in, first, second, script []byte) {
		rule := timedRule(flags)
		for range 1 + flags>>7 {
			rule.Filters = append(rule.Filters, proxyconfig.Filter{
				Type: proxyconfig.FilterMirror, Mirror: &proxyconfig.Mirror{Backend: "ns/b:80"},
			})
		}
		perform(t, flags, in, first, second, script, rule)
	})
}

// Questions whether a request may pass end with the request, or before it goes
// on, with bodies that are shown and such as are held back; and so do the
// mirrors and retries of what has passed.
func FuzzAuthorizations(f *testing.F) {
	seedAll(f)
	seed(f, 0, post+get, allowed+ok, denied)
	seed(f, 16, chunks, denied, allowed+ok)
	seed(f, 64, post, allowed+unavailable, allowed+ok)
	seed(f, 17, settings+askBody+dataMore+dataLast, allowed, ok)
	seed(f, 35, settings+askBody+data1, settings+answer1+data1, settings+answer1)
	f.Fuzz(func(t *testing.T, flags uint8, in, first, second, script []byte) {
		rule := timedRule(flags)
		auth := &proxyconfig.ExternalAuth{Protocol: proxyconfig.AuthHTTP, Backend: "ns/b:80"}
		if flags&16 != 0 {
			auth.MaxBodyBytes = 64
		}
		if flags&32 != 0 && flags&2 != 0 {
			auth.Protocol = proxyconfig.AuthGRPC
		}
		rule.Filters = []proxyconfig.Filter{{Type: proxyconfig.FilterExternalAuth, ExternalAuth: auth}}
		if flags&64 != 0 {
			rule.Retry = &proxyconfig.Retry{Attempts: 1, Codes: []int{503}, Reset: true}
			rule.Filters = append(rule.Filters, proxyconfig.Filter{
				Type: proxyconfig.FilterMirror, Mirror: &proxyconfig.Mirror{Backend: "ns/b:80"},
			})
		}
		perform(t, flags, in, first, second, script, rule)
	})
}
