package forward

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/edge"
	"github.com/fleetgate/fleetgate/test/protocol/invariant"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
	"github.com/fleetgate/fleetgate/test/protocol/vector"
)

// What explains that a compliant case of the corpus is refused all the same.
const (
	codings  = "a coding besides chunked, which RFC 9112, section 6.1, lets a server refuse that does not decode it"
	fragment = "a fragment, which no request target has (RFC 9112, section 3.2)"
	notURI   = "a target that is not a URI by RFC 3986"
)

var stricter = map[string]string{
	"more-compliant-tests: Correct TE OK":                                             codings,
	"more-compliant-tests: Transfer-Encoding: identity and chunked OK":                codings,
	"more-compliant-tests: Multiple transfer encoding headers in a single request OK": codings,
	"more-compliant-tests: TE with custom parameters OK":                              codings,
	"rfc-compliant: Different Transfer-Encoding headers":                              codings,
	"rfc-compliant: Different Transfer-Encoding headers combined":                     codings,
	"rfc-compliant: Transfer-Encoding with a param: chunked;custom_param":             codings,
	"rfc-compliant: Compliant URL":                                                    fragment,
	"rfc-compliant: International in URI":                                             notURI,
	"rfc-compliant: Empty URI":                                                        notURI,
}

// What explains that a field travels on that the corpus suspects.
const (
	framed = "the body has one framing, which recipients share whatever the method (RFC 9110, section 9.3.1)"
	other  = "a name that no rule, CGI's included, makes Transfer-Encoding of"
)

var harmless = map[string]string{
	"ambiguous: Get with a body and Content-Length":         framed,
	"ambiguous: Get with a body and Transfer-Encoding":      framed,
	"ambiguous: Head with a body and Content-Length":        framed,
	"ambiguous: Head with a body and Transfer-Encoding":     framed,
	"ambiguous: Transfer-Encoding with multiple hyphens":    other,
	"ambiguous: Transfer-Encoding with multiple delimiters": other,
}

// Every ambiguous or severe case of the corpus is refused, or reaches the backend
// without what makes it so; every compliant one passes. What passes, all kinds of
// backends understand as the recording one does.
func TestDesyncCorpus(t *testing.T) {
	root := os.Getenv("FLEETGATE_CORPORA")
	if root == "" {
		t.Skip("FLEETGATE_CORPORA names no folder with test data; the tables of our own stand alone")
	}
	cases, err := readDesync(filepath.Join(root, "aws-http-desync-guardian", "tests"))
	if err != nil || len(cases) < 159 {
		t.Fatalf("%d cases: %v", len(cases), err)
	}
	b := recorder.Start(t, recorder.Echo)
	p := edge.Start(t, edge.Options{Config: edge.To(b.Addr())})
	var vectors []vector.Vector
	for _, c := range cases {
		v := runDesync(t, &c, b, p.Addr("http"))
		// Megabytes take their time in seven programs, and are read as a few bytes are.
		if len(v.In) < 1<<20 {
			vectors = append(vectors, v)
		}
	}
	t.Logf("%d cases", len(cases))
	throughKinds(t, vectors)
}

// runDesync runs a case, and returns it with the requests that came of it: those
// that other backends have to understand.
func runDesync(t *testing.T, c *desyncCase, b *recorder.Backend, addr string) vector.Vector {
	// It is sent as one that breaks off, since many announce more than they have.
	v := vector.Vector{Name: c.Name, In: c.bytes(), Verdict: vector.Break}
	out, err := exchange(addr, v)
	if err != nil {
		t.Errorf("%s: %v", c.Name, err)
	}
	streams := b.Take()
	requests, problems := invariant.Check(streams)
	for _, problem := range problems {
		t.Errorf("%s: %v", c.Name, problem)
	}
	switch c.Expected.Tier {
	case "Compliant":
		if _, known := stricter[c.Name]; (len(requests) != 1) != known {
			t.Errorf("%s: compliant, %d requests forwarded, answer %.200q to %.300q", c.Name, len(requests), out, v.In)
		}
	case "Ambiguous", "Severe":
		if _, known := harmless[c.Name]; forwardsSuspicious(c, streams) != known {
			t.Errorf("%s: %q: forwarded %v", c.Name, c.suspicious(), !known)
		}
	}
	for _, r := range requests {
		v.Want = append(v.Want, vector.Request{Method: r.Method, Target: r.Target, Host: r.Host, Body: r.Body})
	}
	if len(v.Want) > 0 {
		// Now that they are known, a client can wait for their answers.
		v.Verdict = vector.Pass
	}
	return v
}

// forwardsSuspicious says whether a field with which the corpus finds fault got
// through as it is.
func forwardsSuspicious(c *desyncCase, streams []*recorder.Stream) bool {
	for _, line := range c.suspicious() {
		for _, s := range streams {
			if bytes.Contains(s.Bytes, []byte(line)) {
				return true
			}
		}
	}
	return false
}
