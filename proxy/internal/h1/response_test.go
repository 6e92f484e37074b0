package h1

import (
	"errors"
	"testing"
)

func parseResponse(s string) (*Response, error) {
	b := []byte(s)
	n, err := Find(b, 0)
	if err != nil || n == 0 {
		return nil, err
	}
	r := new(Response)
	return r, r.Parse(b[:n])
}

func TestResponseRefused(t *testing.T) {
	const ok = "HTTP/1.1 200 OK"
	for _, tt := range []struct {
		name string
		in   string
		want error
	}{
		{"bare LF", "HTTP/1.1 200 OK\nA: b\n\n", ErrLineEnd},
		{"other protocol", head("ICY 200 OK"), ErrStartLine},
		{"version 2", head("HTTP/2.0 200 OK"), ErrVersion},
		{"status of two digits", head("HTTP/1.1 20 OK"), ErrStartLine},
		{"status of four digits", head("HTTP/1.1 2000 OK"), ErrStartLine},
		{"status 099", head("HTTP/1.1 099 OK"), ErrStartLine},
		{"status 600", head("HTTP/1.1 600 OK"), ErrStartLine},
		{"CR in the reason", head("HTTP/1.1 200 O\rK"), ErrStartLine},
		{"two lengths", head(ok, "Content-Length: 1", "Content-Length: 2"), ErrContentLength},
		{"length and coding", head(ok, "Content-Length: 1", "Transfer-Encoding: chunked"), ErrFraming},
		{"coding", head(ok, "Transfer-Encoding: gzip, chunked"), ErrTransferEncoding},
		{"folding", head(ok, "A: b", " c"), ErrFieldName},
	} {
		if _, err := parseResponse(tt.in); !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestResponseTaken(t *testing.T) {
	for _, tt := range []struct {
		in       string
		status   int
		reason   string
		closes   bool
		bodiless bool
	}{
		{head("HTTP/1.1 200 OK", "Content-Length: 3"), 200, "OK", false, false},
		{head("HTTP/1.1 200 ", "Connection: Close"), 200, "", true, false},
		{head("HTTP/1.1 204"), 204, "", false, true},
		{head("HTTP/1.0 200 OK"), 200, "OK", true, false},
		{head("HTTP/1.0 304 Not Modified", "Connection: keep-alive"), 304, "Not Modified", false, true},
		{head("HTTP/1.1 103 Early Hints", "Link: x"), 103, "Early Hints", false, true},
	} {
		r, err := parseResponse(tt.in)
		if err != nil {
			t.Errorf("%q: %v", tt.in, err)
			continue
		}
		if r.Status != tt.status || string(r.Reason) != tt.reason || r.Close != tt.closes || r.Bodiless(false) != tt.bodiless {
			t.Errorf("%q: got %d %q close %v bodiless %v", tt.in, r.Status, r.Reason, r.Close, r.Bodiless(false))
		}
	}
}
