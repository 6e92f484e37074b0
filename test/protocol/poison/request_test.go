package poison

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
)

// kind is what becomes of a request. The paths tell the backend how to answer.
type kind string

const (
	plain  kind = "plain"
	chunks kind = "chunks"
	closes kind = "close"
	// early: the answer comes before the body is read.
	early kind = "early"
	// late: so it does, and the client does not send the rest before it has come.
	late kind = "late"
	// cut: the answer breaks off.
	cut kind = "cut"
	// abandoned requests end in mid-body, by the client's doing.
	abandoned kind = "abandoned"
	// malformed requests must be refused, and bring another one along that nobody
	// may see.
	malformed kind = "malformed"
)

var kinds = []kind{plain, plain, plain, chunks, closes, early, late, cut, abandoned, malformed}

// request is what is sent, and what must come back.
type request struct {
	kind                 kind
	method, target, body string
	chunked              bool
	// smuggled is what a malformed request has in its wake.
	smuggled string
	variant  int
}

// newRequest makes up a request with a nonce of its own.
func newRequest(random *rand.Rand, nonce string) request {
	r := request{kind: kinds[random.IntN(len(kinds))], method: "GET", variant: random.IntN(1 << 20)}
	r.target = fmt.Sprintf("/%s/%s", r.kind, nonce)
	r.smuggled = fmt.Sprintf("GET /smuggled/%s HTTP/1.1\r\nHost: a.example\r\n\r\n", nonce)
	switch r.kind {
	case early, late, abandoned, malformed:
		r.method = "POST"
	default:
		if random.IntN(2) == 0 {
			r.method = "POST"
		}
	}
	if r.method == "POST" {
		r.body = strings.Repeat(nonce+".", 1+random.IntN(50))
		r.chunked = random.IntN(2) == 0
	} else if random.IntN(8) == 0 {
		r.method = "HEAD"
	}
	return r
}

// answer is what came of a request, by any version of HTTP.
type answer struct {
	status int
	// target names the request that the backend has answered.
	target, body string
	// behind is what followed where nothing may follow.
	behind string
	// err is why the answer is not whole.
	err error
	// excused: the client itself broke what the answer would have come over.
	excused bool
}

// check says why an answer is not one to the request.
func (r request) check(a answer) error {
	if a.target != "" && a.target != r.target {
		return fmt.Errorf("got the answer to %s", a.target)
	}
	if a.behind != "" {
		return fmt.Errorf("behind a refusal: %q", a.behind)
	}
	if a.excused && a.err != nil {
		return nil
	}
	switch r.kind {
	case abandoned:
		return nil
	case malformed:
		return unless(a.refused(), fmt.Errorf("%d %q by %q, want a refusal", a.status, a.body, a.target))
	case cut:
		whole := a.err == nil && a.status != http.StatusBadGateway && r.method != "HEAD"
		return unless(!whole, fmt.Errorf("%d %q looks whole", a.status, a.body))
	case early:
		// A connection that is reset with input unread takes along the answer.
		if errors.Is(a.err, errLost) {
			return nil
		}
	}
	if a.err != nil {
		return a.err
	}
	want := r.want()
	return unless(a.body == want, fmt.Errorf("%d %q, want %q", a.status, a.body, want))
}

// refused: the proxy said so, or ended what the request came over.
func (a answer) refused() bool {
	return a.target == "" && (a.err != nil && a.status == 0 || a.status >= 400 && a.status < 500)
}

// unserved: the proxy says that the backend would not answer.
func (a answer) unserved() bool {
	return a.err == nil && a.target == "" && (a.status == http.StatusBadGateway || a.status == http.StatusServiceUnavailable)
}

// errLost is why there is no answer at all.
var errLost = errors.New("the connection ended without an answer")

// want is the body that the backend answers with.
func (r request) want() string {
	switch {
	case r.method == "HEAD":
		return ""
	case r.kind == early, r.kind == late:
		return r.target + "|"
	}
	return r.target + "|" + r.body
}

func unless(fine bool, err error) error {
	if fine {
		return nil
	}
	return err
}
