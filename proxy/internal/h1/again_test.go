package h1

import (
	"slices"
	"testing"
)

// again writes a head and reads what was written.
func again(t *testing.T, r *Request) *Request {
	t.Helper()
	out := r.AppendFields(r.AppendStart(nil), nil)
	out = append(out, "\r\n"...)
	read, err := parseRequest(string(out))
	if err != nil || read == nil {
		t.Fatalf("got %v for %q", err, out)
	}
	return read
}

func TestRequestIsReadAgainAsItWas(t *testing.T) {
	for _, in := range []string{
		head("GET /a%2Fb/%41?x=%20 HTTP/1.1", "Host: Shop.Example.com:8080", "X-A: b", "x-a: c"),
		head("GET http://shop/a/../b HTTP/1.1", "Host: shop", "Cookie: a=b"),
		head("OPTIONS * HTTP/1.1", "Host: a"),
		head("GET /old HTTP/1.0", "X-A: b"),
		head("POST / HTTP/1.1", "Host: a", "Content-Length: 7", "Expect: 100-continue"),
		head("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "TE: trailers", "Connection: te"),
		head("GET / HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: x"),
		head("GET / HTTP/1.1", "Host: a", "Connection: close, X-Secret", "X-Secret: y", "User-Agent: z"),
		head("GET / HTTP/1.1", "Host: a", "X-Forwarded-For: 192.0.2.1", "X-Forwarded-User: eve", "Forwarded: for=x"),
	} {
		want, err := parseRequest(in)
		if err != nil || want == nil {
			t.Fatalf("%q: %v", in, err)
		}
		sameRequest(t, in, again(t, want), want)
	}
}

func sameRequest(t *testing.T, in string, got, want *Request) {
	t.Helper()
	texts := func(r *Request) []string {
		return []string{string(r.Method), string(r.Path), string(r.Query), string(r.Name), string(r.Port),
			string(r.AppendFields(nil, nil)), string(r.Told("x-forwarded-for")), string(r.First(Upgrade)), string(r.First(Expect))}
	}
	if g, w := texts(got), texts(want); !slices.Equal(g, w) {
		t.Errorf("%q: got %q, want %q", in, g, w)
	}
	type facts struct {
		minor                                            uint8
		length                                           int64
		chunked, query, asterisk, upgrade, trailers, old bool
	}
	of := func(r *Request) facts {
		return facts{r.Minor, r.Length, r.Chunked, r.HasQuery, r.Asterisk, r.WantsUpgrade, r.Trailers(), len(r.Name) == 0}
	}
	if g, w := of(got), of(want); g != w {
		t.Errorf("%q: got %+v, want %+v", in, g, w)
	}
}

func TestWhatHTTP2HasBuiltIsReadAgain(t *testing.T) {
	r := new(Request)
	r.Start(nil)
	for _, f := range [][2]string{{"cookie", "a=b"}, {"te", "trailers"}, {"cookie", "c=d"}, {"x-a", "b"}} {
		if err := r.Add([]byte(f[0]), []byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Complete(Target{Method: []byte("POST"), Scheme: []byte("https"), Authority: []byte("Shop:443"), Path: []byte("/x?y")}); err != nil {
		t.Fatal(err)
	}
	r.Chunked = true
	sameRequest(t, "HTTP/2", again(t, r), r)
}

// What the client says of itself does not travel on, what was added behind does.
func TestVouch(t *testing.T) {
	const told = "X-Forwarded-User: eve\r\n"
	start := "GET / HTTP/1.1\r\nHost: a\r\n" + told
	r, err := parseRequest(start + "X-Forwarded-User: alice\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := r.Value("x-forwarded-user"); ok {
		t.Errorf("got %q before anybody vouches", v)
	}
	r.Vouch(len(start))
	if v, _ := r.Value("x-forwarded-user"); string(v) != "alice" {
		t.Errorf("got %q, want alice", v)
	}
	if got := string(r.AppendFields(nil, nil)); got != "X-Forwarded-User: alice\r\n" {
		t.Errorf("got %q", got)
	}
}
