package rollout

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"
)

// Another digest of the same pods would have all fleets replaced at an upgrade.
func TestDigestIsOfTheJSON(t *testing.T) {
	for name, value := range map[string]any{
		"nothing": nil, "lines": "one\ntwo\n", "much": strings.Repeat("<&>\n", 1<<16), "a list": []any{"Deployment", map[string]int{"a": 1}},
	} {
		data, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if got, want := digest(value), hex.EncodeToString(sum[:8]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
