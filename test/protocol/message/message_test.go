package message

import (
	"errors"
	"strings"
	"testing"
)

func TestReadersAgreeOnWhatIsClear(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"no body", "GET /a?b HTTP/1.1\r\nHost: h\r\n\r\n", `GET /a?b host "h" body ""`},
		{"length", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", `POST / host "h" body "abc"`},
		{"chunks", "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n", `POST / host "h" body "ab0123456789"`},
		{"two", "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n", `GET /1 host "h" body ""|GET /2 host "h" body ""`},
	}
	for _, tt := range tests {
		requests, err := ReadAll([]byte(tt.in))
		var got []string
		for _, r := range requests {
			got = append(got, r.String())
		}
		if err != nil || strings.Join(got, "|") != tt.want {
			t.Errorf("%s: got %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

// What servers have been led astray by must show as a difference or an error.
func TestReadAllFindsWhatIsAmbiguous(t *testing.T) {
	const head = "POST / HTTP/1.1\r\nHost: h\r\n"
	tests := []struct{ name, in string }{
		{"bare LF", "GET / HTTP/1.1\nHost: h\n\n"},
		{"folded line", "GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n"},
		{"two lengths", head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"},
		{"length and coding", head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"alias of a length", head + "Content_Length: 2\r\n\r\nab"},
		{"coding of another name", head + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
		{"size with a prefix", head + "Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"},
		{"space before the colon", head + "Content-Length : 2\r\n\r\nab"},
		{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"},
	}
	for _, tt := range tests {
		if got, err := ReadAll([]byte(tt.in)); err == nil {
			t.Errorf("%s: all agree on %v", tt.name, got)
		}
	}
}

func TestStrictAsksForMore(t *testing.T) {
	for _, whole := range []string{
		"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nA: b\r\n\r\n",
	} {
		for n := range len(whole) {
			if _, _, err := Strict([]byte(whole[:n])); !errors.Is(err, ErrIncomplete) {
				t.Errorf("%d bytes of %q: got %v", n, whole, err)
			}
		}
	}
}

// FuzzStrict holds the strict reader to what it is for: what it takes, net/http
// takes as well, and reads in the same way.
func FuzzStrict(f *testing.F) {
	f.Add("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nA: b\r\n\r\n")
	f.Add("GET / HTTP/1.0\r\n\r\n")
	f.Fuzz(func(t *testing.T, in string) {
		r, n, err := Strict([]byte(in))
		if err != nil {
			return
		}
		if n > len(in) || r.Method == "" || r.Target == "" {
			t.Errorf("%d of %d bytes: %v", n, len(in), r)
		}
		if s, m, err := Standard([]byte(in)); err == nil && (m != n || s.Body != r.Body) {
			t.Errorf("net/http has %d bytes, %v; strict %d, %v", m, s, n, r)
		}
	})
}
