package docs

import (
	"regexp"
	"strings"
	"testing"
)

// The report tells of what was done to the suite, as others are to reproduce it.
func TestTheConformanceReportTellsHowItWasMade(t *testing.T) {
	told := read(t, "test/conformance/reports/v1.7.0/README.md")
	replaced := regexp.MustCompile(`(?m)^replace (\S+) => \S+ (\S+)$`).FindAllStringSubmatch(read(t, "test/conformance/go.mod"), -1)
	for _, match := range replaced {
		if !strings.Contains(told, match[1]) || !strings.Contains(told, match[2]) {
			t.Errorf("it does not tell that %s is replaced by %s", match[1], match[2])
		}
	}
	for _, flag := range regexp.MustCompile(`"(--(?:disable|skip|allow|exempt)[a-z-]*)`).FindAllStringSubmatch(read(t, "test/demo/conformance.go"), -1) {
		if !strings.Contains(told, flag[1]) {
			t.Errorf("it does not tell of %s", flag[1])
		}
	}
}
