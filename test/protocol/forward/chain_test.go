package forward

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/internal/long"
	"github.com/fleetgate/fleetgate/test/internal/edge"
	"github.com/fleetgate/fleetgate/test/protocol/peer"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
	"github.com/fleetgate/fleetgate/test/protocol/vector"
)

// What the proxy forwards, backends of seven makers understand alike, or refuse
// for a reason that is known; and what it refuses, or what breaks off, leaves
// none of them in a state in which the next request gets another's answer.
func TestKindsOfBackends(t *testing.T) {
	var vectors []vector.Vector
	for _, v := range vector.All() {
		// Single bytes tell the readers of package message enough.
		if long.Run() || !strings.HasPrefix(v.Name, "bytes: ") {
			vectors = append(vectors, marked(v))
		}
	}
	throughKinds(t, vectors)
}

// throughKinds sends the vectors to all kinds of backends, one after the other to
// each.
func throughKinds(t *testing.T, vectors []vector.Vector) {
	for _, k := range peer.Kinds {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			origin := recorder.Start(t, recorder.Echo)
			c := &chain{kind: k, origin: origin, quirks: map[string]int{}}
			c.addr = edge.Start(t, edge.Options{Config: edge.To(k.Start(t, origin.Addr()))}).Addr("http")
			for _, v := range vectors {
				for _, problem := range c.check(v) {
					t.Errorf("%s: %.400v", v.Name, problem)
				}
			}
			t.Logf("%d vectors: %d of their requests understood as meant, others for a reason: %v; %d sound ones between", len(vectors), c.understood-c.sound, c.quirks, c.sound)
		})
	}
}

// chain is a proxy in front of a backend of some kind, which may stand in front of
// the origin.
type chain struct {
	kind   peer.Kind
	addr   string
	origin *recorder.Backend
	// understood is how many requests were, with the sound ones of our own among
	// them, and quirks why others were not.
	understood, sound int
	quirks            map[string]int
}

// check sends a vector and holds the answers to it.
func (c *chain) check(v vector.Vector) []error {
	before := c.origin.Requests()
	out, err := exchange(c.addr, v)
	if err != nil {
		return []error{err}
	}
	problems := checkAnswers(v, out, c.same)
	if n := c.origin.Requests() - before; n > len(v.Want) {
		problems = append(problems, fmt.Errorf("I2: the origin got %d requests, want %d", n, len(v.Want)))
	}
	if v.Verdict != vector.Pass {
		problems = append(problems, c.checkNext()...)
	}
	return problems
}

// checkNext makes a request of its own, which gets its own answer whatever came
// before it.
func (c *chain) checkNext() []error {
	c.sound++
	next := vector.Request{Method: "GET", Target: fmt.Sprint("/sound-", c.sound), Host: "a.example"}
	v := vector.Vector{In: "GET " + next.Target + " HTTP/1.1\r\nHost: a.example\r\n\r\n", Want: []vector.Request{next}}
	out, err := exchange(c.addr, v)
	if err != nil {
		return []error{err}
	}
	return checkAnswers(v, out, c.same)
}

// same says why an answer is not one to the request as it was meant.
func (c *chain) same(got answer, want vector.Request) error {
	meant := understood(want)
	err := sameUnderstanding(got, meant)
	if err == nil {
		c.understood++
		return nil
	}
	if why := c.kind.Quirk(meant); why != "" {
		c.quirks[why]++
		return nil
	}
	return err
}

func understood(r vector.Request) recorder.Understood {
	return recorder.Understood{Method: r.Method, Target: r.Target, Host: r.Host, Body: hex.EncodeToString([]byte(r.Body))}
}

func sameUnderstanding(got answer, want recorder.Understood) error {
	if got.status != 200 {
		return fmt.Errorf("refused by %d: %q", got.status, got.body)
	}
	if want.Method == "HEAD" {
		return nil
	}
	var u recorder.Understood
	if err := json.Unmarshal([]byte(got.body), &u); err != nil {
		return fmt.Errorf("%w: %q", err, got.body)
	}
	if u != want {
		return fmt.Errorf("got %+v, want %+v", u, want)
	}
	return nil
}
