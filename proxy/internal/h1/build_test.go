package h1

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func target(method, path, authority string) Target {
	return Target{Method: []byte(method), Scheme: []byte("https"), Authority: []byte(authority), Path: []byte(path)}
}

// build builds a request of "name: value" fields.
func build(t Target, fields ...string) (*Request, error) {
	r := new(Request)
	r.Start(nil)
	for _, f := range fields {
		name, value, _ := strings.Cut(f, ": ")
		if err := r.Add([]byte(name), []byte(value)); err != nil {
			return r, err
		}
	}
	return r, r.Complete(t)
}

func TestBuildRequest(t *testing.T) {
	r, err := build(target("POST", "/a/./b?c=d", "A.Example:443"), "content-length: 3", "x: 1", "x-forwarded-for: 2", "x: 3", "te: trailers")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(r.AppendFields(nil, nil)), "x: 1\r\nx: 3\r\n"; got != want {
		t.Errorf("fields %q, want %q", got, want)
	}
	if got := string(r.Method) + " " + string(r.Name) + string(r.Port) + string(r.Path) + "?" + string(r.Query); got != "POST a.example:443/a/b?c=d" {
		t.Errorf("target %q", got)
	}
	if v, ok := r.Value("x"); !ok || string(v) != "1,3" {
		t.Errorf("x is %q, %v", v, ok)
	}
	if v, ok := r.Value("host"); !ok || string(v) != "a.example:443" {
		t.Errorf("host is %q, %v", v, ok)
	}
	if r.Length != 3 || r.Close || r.Chunked || !r.Trailers() || string(r.Scheme) != "https" || len(r.Protocol) > 0 {
		t.Errorf("got %+v", r.Head)
	}
}

func TestBuildRefuses(t *testing.T) {
	many := make([]string, MaxFields)
	for i := range many {
		many[i] = "a: b"
	}
	websocket := target("CONNECT", "/", "a")
	websocket.Protocol = []byte("web socket")
	ok := target("GET", "/", "a")
	for _, test := range []struct {
		target Target
		fields []string
		want   error
	}{
		{ok, []string{"X: y"}, ErrFieldName},
		{ok, []string{": y"}, ErrFieldName},
		{ok, []string{"x:: y"}, ErrFieldName},
		{ok, []string{"x: a\r\nb"}, ErrFieldValue},
		{ok, []string{"x:  a"}, ErrFieldValue},
		{ok, []string{"cookie: a", "cookie: b\n"}, ErrFieldValue},
		{ok, []string{"connection: close"}, ErrConnection},
		{ok, []string{"proxy-connection: close"}, ErrConnection},
		{ok, []string{"transfer-encoding: chunked"}, ErrConnection},
		{ok, []string{"te: gzip"}, ErrConnection},
		{ok, []string{"content-length: x"}, ErrContentLength},
		{ok, []string{"host: b"}, ErrHostMismatch},
		{ok, []string{"host: a", "host: a"}, ErrHost},
		{ok, many, ErrTooManyFields},
		{ok, []string{"x: " + strings.Repeat("y", MaxHead)}, ErrHeadTooLarge},
		{ok, []string{"cookie: a", "x: y", "cookie: " + strings.Repeat("y", MaxHead)}, ErrHeadTooLarge},
		{target("GET", "/"+strings.Repeat("y", MaxHead), "a"), nil, ErrHeadTooLarge},
		{target("G T", "/", "a"), nil, ErrMethod},
		{target("GET", "", "a"), nil, ErrTarget},
		{target("GET", "*", "a"), nil, ErrTarget},
		{target("GET", "/ ", "a"), nil, ErrTarget},
		{target("GET", "/..", "a"), nil, ErrPath},
		{target("GET", "/", ""), nil, ErrHost},
		{target("GET", "/", "u@a"), nil, ErrHost},
		{target("CONNECT", "/", "a"), nil, ErrConnect},
		{websocket, nil, ErrTarget},
		{Target{Method: []byte("GET"), Path: []byte("/"), Authority: []byte("a")}, nil, ErrTarget},
	} {
		if _, err := build(test.target, test.fields...); !errors.Is(err, test.want) {
			t.Errorf("%.40q: got %v, want %v", test.fields, err, test.want)
		}
	}
}

// Crumbs that lie apart are joined as well, and the other fields stay.
func TestBuildJoinsCookies(t *testing.T) {
	r, err := build(target("GET", "/", "a"), "cookie: a=1", "x: y", "cookie: b=2", "cookie: c=3", "z: 0", "cookie: d=4")
	if err != nil {
		t.Fatal(err)
	}
	want := "cookie: a=1; b=2; c=3; d=4\r\nx: y\r\nz: 0\r\n"
	if got := string(r.AppendFields(nil, nil)); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBuildResponse(t *testing.T) {
	r := new(Response)
	r.Start(nil)
	for _, f := range [][2]string{{"content-length", "5"}, {"set-cookie", "a"}, {"set-cookie", "b"}} {
		if err := r.Add([]byte(f[0]), []byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Complete([]byte("404")); err != nil {
		t.Fatal(err)
	}
	if got, want := string(r.AppendFields(nil, nil)), "set-cookie: a\r\nset-cookie: b\r\n"; got != want || r.Status != 404 || r.Length != 5 {
		t.Errorf("got %d %q with length %d", r.Status, got, r.Length)
	}
	for _, status := range []string{"", "20", "2000", "2x0", "101", "099", "600"} {
		r.Start(nil)
		if err := r.Complete([]byte(status)); !errors.Is(err, ErrStartLine) {
			t.Errorf("status %q: %v", status, err)
		}
	}
}

type dropped string

func (d dropped) Drops(name []byte) bool { return EqualFold(name, string(d)) }

// One by one, the fields are those that are appended.
func TestFieldsAgreeWithAppendFields(t *testing.T) {
	r, err := build(target("GET", "/", "a"), "a: 1", "b: 2", "te: trailers", "c: 3")
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for name, value := range r.Fields(dropped("b")) {
		got = AppendField(got, string(name), value)
	}
	if want := r.AppendFields(nil, dropped("b")); !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for range r.Fields(nil) {
		break
	}
}

func TestTrailerFieldsAgreeWithAppendLastChunk(t *testing.T) {
	var section []byte
	for _, f := range []string{"grpc-status", "content-length", "x", "host"} {
		var err error
		if section, err = AppendTrailer(section, []byte(f), []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	got := []byte("0\r\n")
	for name, value := range TrailerFields(section) {
		got = AppendField(got, string(name), value)
	}
	got = append(got, "\r\n"...)
	if want := AppendLastChunk(nil, section); !bytes.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, bad := range []string{"X", ":path", "connection", ""} {
		if _, err := AppendTrailer(nil, []byte(bad), nil); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestBuildAllocatesNothing(t *testing.T) {
	r := new(Request)
	buf := make([]byte, 0, 1024)
	name, value, to := []byte("cookie"), []byte("a=b"), target("GET", "/a/../b", "a.example")
	n := testing.AllocsPerRun(100, func() {
		r.Start(buf)
		for range 3 {
			if r.Add(name, value) != nil {
				t.Fatal("refused")
			}
		}
		if r.Complete(to) != nil {
			t.Fatal("refused")
		}
		for name, value := range r.Fields(nil) {
			if len(name)+len(value) == 0 {
				t.Fatal("empty")
			}
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// What is built is what is parsed of the same fields as text.
func FuzzBuild(f *testing.F) {
	f.Add("GET", "/a/../b?c", "A.example.:80", "x: y\ncookie: a\ncookie: b\nx_y: z")
	f.Add("OPTIONS", "*", "[::1]", "te: trailers\ncontent-length: 3\nhost: [::1]")
	f.Add("POST", "/%2e%2E;/%2f", "a", "transfer_encoding: chunked\nx-forwarded-for: a\nx-request-id: b\nuser-agent:")
	f.Fuzz(func(t *testing.T, method, path, authority, lines string) {
		built, err := build(target(method, path, authority), strings.Split(lines, "\n")...)
		if err != nil {
			return
		}
		parsed := new(Request)
		text := method + " " + path + " HTTP/1.1\r\n" + string(everyField(built)) + "\r\n"
		n, err := Find([]byte(text), 0)
		if errors.Is(err, ErrHeadTooLarge) || n != len(text) && err == nil {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if err := parsed.Parse([]byte(text)); err != nil {
			if errors.Is(err, ErrTooManyFields) {
				return
			}
			t.Fatalf("%q: %v", text, err)
		}
		compareRequests(t, built, parsed)
	})
}

// everyField returns all fields, dropped ones too.
func everyField(r *Request) (out []byte) {
	for i := range r.n {
		out = append(out, r.buf[r.fields[i].start:r.fields[i].end]...)
	}
	return out
}

func compareRequests(t *testing.T, a, b *Request) {
	t.Helper()
	if fa, fb := a.AppendFields(nil, nil), b.AppendFields(nil, nil); !bytes.Equal(fa, fb) {
		t.Errorf("fields %q and %q", fa, fb)
	}
	if !bytes.Equal(a.Path, b.Path) || !bytes.Equal(a.Query, b.Query) || !bytes.Equal(a.Name, b.Name) || !bytes.Equal(a.Port, b.Port) || !bytes.Equal(a.Method, b.Method) {
		t.Errorf("targets %s %s%s%s?%s and %s %s%s%s?%s", a.Method, a.Name, a.Port, a.Path, a.Query, b.Method, b.Name, b.Port, b.Path, b.Query)
	}
	if a.Length != b.Length || a.Close != b.Close || a.Chunked != b.Chunked || a.Asterisk != b.Asterisk || a.Trailers() != b.Trailers() {
		t.Errorf("framing %v and %v", a.Length, b.Length)
	}
	for k := range numKinds {
		if !bytes.Equal(a.First(k), b.First(k)) {
			t.Errorf("kind %d is %q and %q", k, a.First(k), b.First(k))
		}
	}
}
