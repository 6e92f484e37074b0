package reverseproxy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/edge"
)

func TestMain(m *testing.M) { edge.Main(m) }

// meaningless are the items that test ReverseProxy as a Go type.
var meaningless = map[string]string{
	"TestXForwardedFor_Omit":              "a Director may keep the field away by a nil value; a route has the filter RequestHeaders for that",
	"TestReverseProxyGetPutBuffer":        "the type takes a pool of buffers from its user",
	"TestReverseProxy_AllocatedHeader":    "the type's hooks must find a header map that is not nil",
	"TestModifyResponseClosesBody":        "the type's hook may fail, and owns a body then",
	"TestReverseProxyUpgradeNoCloseWrite": "the type may be given connections that cannot be half closed; ours are TCP",
	"TestReverseProxyRewriteReplacesOut":  "the type's hook may replace the whole request",
}

var testName = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// The checklist is complete: a test that a new version of Go adds fails here
// until there is an answer to it.
func TestChecklist(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	items := testsIn(t, filepath.Join(strings.TrimSpace(string(root)), "src/net/http/httputil/reverseproxy_test.go"))
	if len(items) < 40 {
		t.Fatalf("%d items", len(items))
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	ours := testsIn(t, files...)
	for _, item := range items {
		if tested, why := slices.Contains(ours, item), meaningless[item]; tested == (why != "") {
			t.Errorf("%s: tested here is %v, and the reason why not is %q", item, tested, why)
		}
	}
	t.Logf("%d items", len(items))
}

func testsIn(t *testing.T, files ...string) (names []string) {
	t.Helper()
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range testName.FindAllSubmatch(data, -1) {
			names = append(names, string(match[1]))
		}
	}
	return names
}
