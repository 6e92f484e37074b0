package forward

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/edge"
	"github.com/fleetgate/fleetgate/test/protocol/long"
	"github.com/fleetgate/fleetgate/test/protocol/peer"
	"github.com/fleetgate/fleetgate/test/protocol/recorder"
	"github.com/fleetgate/fleetgate/test/protocol/vector"
)

// What the proxy forwards, backends of seven makers understand alike, or refuse
// for a reason that is known.
func TestKindsOfBackends(t *testing.T) {
	origin := recorder.Start(t, recorder.Echo).Addr()
	for _, k := range peer.Kinds {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			p := edge.Start(t, edge.Options{Config: edge.To(k.Start(t, origin))})
			understood, refused := 0, 0
			for _, v := range vector.All() {
				// Single bytes tell the readers of package message enough.
				if v.Verdict != vector.Pass || !long.Run() && strings.HasPrefix(v.Name, "bytes: ") {
					continue
				}
				n, m, err := checkKind(k.Name, v, p.Addr("http"))
				if err != nil {
					t.Errorf("%s: %.400v", v.Name, err)
				}
				understood, refused = understood+n, refused+m
			}
			t.Logf("%d requests understood, %d refused", understood, refused)
		})
	}
}

// checkKind sends a vector and compares the answers with it. It returns how many
// requests were understood and how many refused.
func checkKind(kind string, v vector.Vector, addr string) (understood, refused int, err error) {
	out, err := exchange(addr, v)
	if err != nil {
		return 0, 0, err
	}
	got, rest := answers(out, v.Want)
	if len(got) != len(v.Want) || len(rest) > 0 {
		return 0, 0, fmt.Errorf("%d answers, want %d: %q", len(got), len(v.Want), out)
	}
	for i, want := range v.Want {
		if got[i].status != 200 {
			refused++
			err = fmt.Errorf("refused by %d: %q", got[i].status, got[i].body)
		} else {
			understood++
			err = sameUnderstanding(got[i], want)
		}
		if err != nil && explained(kind, want) == "" {
			return understood, refused, err
		}
	}
	return understood, refused, nil
}

func sameUnderstanding(got answer, want vector.Request) error {
	if want.Method == "HEAD" {
		return nil
	}
	var u recorder.Understood
	if err := json.Unmarshal([]byte(got.body), &u); err != nil {
		return fmt.Errorf("%w: %q", err, got.body)
	}
	if w := (recorder.Understood{Method: want.Method, Target: want.Target, Host: want.Host, Body: hex.EncodeToString([]byte(want.Body))}); u != w {
		return fmt.Errorf("got %+v, want %+v", u, w)
	}
	return nil
}

// quirks are what the kinds refuse, or read in a way of their own, of what is
// clear by the RFCs. None concerns where a request ends.
var quirks = []struct {
	kind, why string
	of        func(r vector.Request) bool
}{
	{"nginx", "methods have capital letters, hyphens and underscores alone", func(r vector.Request) bool { return strings.Trim(r.Method, capitals+"-_") != "" }},
	{"nginx", "OPTIONS * is a bad request", isAsterisk},
	{"nginx", "an empty host is a bad request", noHost},
	{"apache2", "an empty host is a bad request", noHost},
	{"apache2", "port 0 is a bad request", func(r vector.Request) bool { return strings.HasSuffix(r.Host, ":0") }},
	{"apache2", "OPTIONS * is answered, not passed on", isAsterisk},
	{"h2o", "OPTIONS * is passed on as OPTIONS /", isAsterisk},
	{"node", "methods are those of a list", func(r vector.Request) bool { return !slices.Contains(nodeMethods, r.Method) }},
	{"go", "OPTIONS * is answered by the server itself", isAsterisk},
}

const capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

var nodeMethods = []string{"GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"}

func isAsterisk(r vector.Request) bool { return r.Target == "*" }
func noHost(r vector.Request) bool     { return r.Host == "" }

// explained says why a kind of backend does not read a request as it is meant.
func explained(kind string, r vector.Request) string {
	for _, q := range quirks {
		if q.kind == kind && q.of(r) {
			return q.why
		}
	}
	return ""
}
