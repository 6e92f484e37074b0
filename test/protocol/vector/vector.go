package vector

import "fmt"

// Verdict says what must become of a vector.
type Verdict int

// The verdicts.
const (
	// Pass: the requests of Want reach the backend, and nothing else.
	Pass Verdict = iota
	// Refuse: the requests of Want reach the backend (mostly none), and what
	// follows them is answered with an error that ends the connection.
	Refuse
	// Break: what follows Want turns bad, or ends, after its head may have been
	// forwarded. No whole request comes of it, and its connections end.
	Break
	// Drop: it is no HTTP of any version. Nothing reaches the backend, and the
	// connection ends without an answer.
	Drop
)

// Vector is what a client sends on one connection.
type Vector struct {
	Name, In string
	Verdict  Verdict
	Want     []Request
	// Gone are names of fields, in lower case, that the backend must not see;
	// Kept are field lines that it must see once each.
	Gone, Kept []string
}

// Request is a request as a backend must understand it.
type Request struct{ Method, Target, Host, Body string }

// All returns all tables, each vector with the name of its table in front.
func All() (all []Vector) {
	for _, table := range []struct {
		name    string
		vectors []Vector
	}{
		{"framing", framing()}, {"chunk", chunks()}, {"length", lengths()}, {"coding", codings()},
		{"target", targets()}, {"absolute", absolutes()}, {"host", hosts()},
		{"start line", startLines()}, {"field", fields()}, {"bytes", everyByte()},
		{"connection", connections()}, {"forwarded", forwardedFields()},
		{"expect", expectations()}, {"trailer", trailers()}, {"sequence", sequences()},
	} {
		for _, v := range table.vectors {
			v.Name = table.name + ": " + v.Name
			all = append(all, v)
		}
	}
	return all
}

// The hosts and heads that most vectors have in common.
const (
	host  = "a.example"
	chunk = "Transfer-Encoding: chunked\r\n"
)

func get(target string) Request        { return Request{"GET", target, host, ""} }
func post(target, body string) Request { return Request{"POST", target, host, body} }

// with returns a GET with further field lines.
func with(lines string) string {
	return "GET / HTTP/1.1\r\nHost: " + host + "\r\n" + lines + "\r\n"
}

// posted returns a POST with further field lines and a body.
func posted(lines, body string) string {
	return "POST / HTTP/1.1\r\nHost: " + host + "\r\n" + lines + "\r\n" + body
}

// chunked returns a POST with a body that is in chunks already.
func chunked(body string) string { return posted(chunk, body) }

func pass(name, in string, want ...Request) Vector { return Vector{Name: name, In: in, Want: want} }

func refuse(name, in string) Vector { return Vector{Name: name, In: in, Verdict: Refuse} }

func drop(name, in string) Vector { return Vector{Name: name, In: in, Verdict: Drop} }

func broken(name, in string) Vector { return Vector{Name: name, In: in, Verdict: Break} }

func named(format string, args ...any) string { return fmt.Sprintf(format, args...) }
