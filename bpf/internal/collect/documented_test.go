package collect

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var nameOf = regexp.MustCompile(`fqName: "([^"]+)"`)

func TestEveryMetricIsDocumented(t *testing.T) {
	const page = "../../../docs/reference/sensor.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, d := range descriptions {
		name := nameOf.FindStringSubmatch(d.String())[1]
		known[name] = true
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("%s is not in %s", name, page)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| (`fleetgate_[^|]*)\\|").FindAllStringSubmatch(string(text), -1) {
		for _, name := range regexp.MustCompile("`(fleetgate_[a-z0-9_]+)`").FindAllStringSubmatch(m[1], -1) {
			if !known[name[1]] {
				t.Errorf("%s is in %s, and no metric", name[1], page)
			}
		}
	}
}
