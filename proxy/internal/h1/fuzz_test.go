package h1

import (
	"bytes"
	"testing"
)

// What is forwarded of any head that is taken must be taken again, with the
// same meaning, and hold nothing that only the proxy may say.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(head("GET /a/../b?c HTTP/1.1", "Host: A.example.:80", "Connection: x, close", "X: y", "Content-Length: 3")))
	f.Add([]byte(head("POST http://a/ HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "TE: trailers")))
	f.Add([]byte("\r\n" + head("OPTIONS * HTTP/1.0")))
	f.Add([]byte(head("GET /%2e%2e;/%2f HTTP/1.1", "Host: [::1]")))
	f.Fuzz(func(t *testing.T, in []byte) {
		n, err := Find(in, 0)
		if err != nil || n == 0 {
			return
		}
		r := new(Request)
		if r.Parse(bytes.Clone(in[:n])) != nil {
			return
		}
		out := append([]byte(nil), r.Method...)
		out = append(append(out, ' '), r.Path...)
		out = append(append(out, " HTTP/1.1\r\nHost: "...), r.Name...)
		out = append(append(out, r.Port...), "\r\n"...)
		if len(r.Name) == 0 {
			return
		}
		fields := r.AppendFields(nil, nil)
		out = append(append(out, fields...), "\r\n"...)
		again := new(Request)
		m, err := Find(out, 0)
		if err != nil || m != len(out) {
			t.Fatalf("%q: found %d, %v", out, m, err)
		}
		if err := again.Parse(bytes.Clone(out)); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if !bytes.Equal(again.Path, r.Path) || !bytes.Equal(again.Name, r.Name) || !bytes.Equal(again.Method, r.Method) {
			t.Fatalf("%q became %q", in, out)
		}
		if again.Length >= 0 || again.Chunked || again.Close || again.Has(Forwarded) || again.Has(RequestID) {
			t.Fatalf("%q forwards what the proxy owns", out)
		}
		if got := again.AppendFields(nil, nil); !bytes.Equal(got, fields) {
			t.Fatalf("fields %q became %q", fields, got)
		}
	})
}

func FuzzResponse(f *testing.F) {
	f.Add([]byte(head("HTTP/1.1 200 OK", "Content-Length: 3", "Set-Cookie: a", "Connection: keep-alive")))
	f.Add([]byte(head("HTTP/1.0 101 Switching Protocols", "Upgrade: x", "Connection: upgrade")))
	f.Fuzz(func(t *testing.T, in []byte) {
		n, err := Find(in, 0)
		if err != nil || n == 0 {
			return
		}
		r := new(Response)
		if r.Parse(in[:n]) != nil {
			return
		}
		out := AppendStatusLine(nil, r.Status, r.Reason)
		out = append(r.AppendFields(out, nil), "\r\n"...)
		again := new(Response)
		if m, err := Find(out, 0); err != nil || m != len(out) {
			t.Fatalf("%q: found %d, %v", out, m, err)
		}
		if err := again.Parse(out); err != nil || again.Status != r.Status || again.Length >= 0 || again.Chunked {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
	})
}

// A body is the same in whatever pieces it comes, and what is written of it is
// read again as it was.
func FuzzChunked(f *testing.F) {
	f.Add("3\r\nabc\r\n0\r\n\r\n", 2)
	f.Add("a;x=y\r\n0123456789\r\n0\r\nA: b\r\n\r\nrest", 3)
	f.Add("0\r\nA: b\r\nC: d\r\n\r\n", 1)
	f.Fuzz(func(t *testing.T, in string, piece int) {
		if piece < 1 {
			return
		}
		data, rest, trailer, err := decode(in, piece)
		data2, rest2, trailer2, err2 := decode(in, len(in)+1)
		if (err == nil) != (err2 == nil) || err == nil && (data != data2 || rest != rest2 || trailer != trailer2) {
			t.Fatalf("in pieces %q %d %q %v, whole %q %d %q %v", data, rest, trailer, err, data2, rest2, trailer2, err2)
		}
		if err != nil {
			return
		}
		out := AppendLastChunk(AppendChunk(nil, []byte(data)), []byte(trailer))
		if again, rest, _, err := decode(string(out), 5); err != nil || rest != 0 || again != data {
			t.Fatalf("%q became %q, %d left, %v", data, again, rest, err)
		}
	})
}
