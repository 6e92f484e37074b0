package invariant

import (
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/test/protocol/message"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
)

// What each invariant is for is found, or the tests that rest on them prove
// nothing.
func TestInvariantsAreAbleToFail(t *testing.T) {
	const proxied = "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: a\r\nX-Forwarded-Proto: http\r\nX-Request-Id: 1\r\n"
	const head = "POST / HTTP/1.1\r\nHost: a\r\n" + proxied
	tests := []struct {
		name   string
		stream recorder.Stream
		want   string
	}{
		{"fine", recorder.Stream{Bytes: []byte(head + "\r\n")}, ""},
		{"alias of the length", recorder.Stream{Bytes: []byte(head + "Content_Length: 2\r\n\r\n")}, "I1"},
		{"refused by the backend", recorder.Stream{Bytes: []byte("GET / HTTP/1.1\nHost: a\n\n"), Broken: message.ErrIncomplete}, "I3"},
		{"connection that lives on", recorder.Stream{Bytes: []byte(head), Broken: message.ErrIncomplete}, "I3"},
		{"connection that ended", recorder.Stream{Bytes: []byte(head), Broken: message.ErrIncomplete, Ended: true}, ""},
		{"hop-by-hop field", recorder.Stream{Bytes: []byte(head + "Keep-Alive: 1\r\n\r\n")}, "I4"},
		{"coding in another case", recorder.Stream{Bytes: []byte(head + "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n")}, "I4"},
		{"length in a trailer", recorder.Stream{Bytes: []byte(head + "Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 1\r\n\r\n")}, "I4"},
		{"no word of the client", recorder.Stream{Bytes: []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")}, "I5"},
		{"two addresses", recorder.Stream{Bytes: []byte(head + "X-Forwarded-For: 9.9.9.9\r\n\r\n")}, "I5"},
	}
	for _, tt := range tests {
		_, problems := Check([]*recorder.Stream{&tt.stream})
		if tt.want == "" != (len(problems) == 0) || tt.want != "" && !strings.HasPrefix(problems[0].Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, problems, tt.want)
		}
	}
}
