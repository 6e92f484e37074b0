package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/page"
)

// aside are the blocks and commands of the guides and the README that
// TestGuidesCanBeFollowed of test/e2e does not do, by their first line, with what does so
// in its place or why nothing can. All others are done as they stand.
var aside = map[string]string{
	// Of the README, for somebody without a cluster.
	"make try":                          "stage try of make test, with ARGS=-once, as it runs until it is interrupted",
	"make demo":                         "the end-to-end tests begin with the same stack, and its tenants are those of TestBundleInEachInstallMode",
	"make demo-down":                    "TestLifecycle of test/cluster ends a cluster so",
	"make test":                         "runs this test",
	"make demo-observe":                 "TestAGatewayIsAllThatPrometheusNeeds asks the same queries of the same Prometheus",
	"apiVersion: fleetgate.io/v1alpha1": "an excerpt of parameters; test/bundle holds the sample that it is of against the schema",
	"make conformance":                  "ten minutes; its report is committed, and TestTheConformanceReportTellsHowItWasMade reads it",
	"make bench-proxy":                  "40 quiet minutes; its page is committed",
	"make bench-control":                "20 quiet minutes; its page is committed",
	"make bench-fleet":                  "half an hour; its page is committed",
	"kubectl get gwparams -A":           "tuning shows the same for one namespace",
	// Of the guides.
	"make deploy IMAGE_TAG_BASE=$REGISTRY":        "the README's steps do so",
	"make docker-buildx IMAGE_TAG_BASE=$REGISTRY": "compiles all for a second architecture; TestPlatformsAreReproducible of test/images pushes such images",
	"make bundle IMAGE_TAG_BASE=$REGISTRY":        "changes the work tree; test/bundle runs the generator with other images",
	"make undeploy":                               "a step of uninstall",
	"make install":                                "a step of install",
	"spec:":                                       "an excerpt of a Prometheus of a newer operator than go.mod has; the tests' own asks by its older field",
}

// inline finds commands within sentences.
var inline = regexp.MustCompile("`((?:make|kubectl) [^`]+)`")

// Each block and each command of the guides and the README is done by a test, or it says
// why not.
func TestStepsAreDoneOrSayWhyNot(t *testing.T) {
	files, err := page.Guides(root)
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, file := range files {
		for _, step := range stepsAside(t, file) {
			used[step] = true
			if aside[step] == "" {
				t.Errorf("%s: %q is not done, and nothing says why", file, step)
			}
		}
	}
	for step := range aside {
		if !used[step] {
			t.Errorf("%q stands nowhere", step)
		}
	}
}

// stepsAside are the commands of console blocks and of sentences, and the first lines of
// other blocks that are not done.
func stepsAside(t *testing.T, file string) (steps []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := page.Blocks(file)
	if err != nil {
		t.Fatal(err)
	}
	fences := strings.Count(string(text), "```")
	if fences != 2*len(blocks) {
		t.Errorf("%s has %d fences, and %d blocks were read", file, fences, len(blocks))
	}
	for _, b := range blocks {
		switch b.Language {
		case page.Shell, page.Query, "text":
		case "console":
			steps = append(steps, strings.Split(strings.TrimSpace(b.Text), "\n")...)
		default:
			steps = append(steps, b.Title())
		}
	}
	for _, match := range inline.FindAllStringSubmatch(string(text), -1) {
		steps = append(steps, match[1])
	}
	return steps
}
