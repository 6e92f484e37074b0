package overload

import (
	"path"
	"strings"
	"testing"
)

// FuzzGroups reads what the kernel says of a process's cgroups: the folders that
// come of it lie within the hierarchy's, and end with its root.
func FuzzGroups(f *testing.F) {
	f.Add("0::/kubepods/pod1/a\n")
	f.Add("12:memory:/a\n3:cpu,cpuacct:/b\n0::/\n")
	f.Add("0::/../../other\n")
	f.Fuzz(func(t *testing.T, own string) {
		roots, lines := 0, 0
		for _, g := range groups("/root/of", own) {
			if g.folder != "/root/of" && !strings.HasPrefix(g.folder, "/root/of/") || path.Clean(g.folder) != g.folder {
				t.Errorf("%q leads to %q", own, g.folder)
			}
			if g.folder == "/root/of" || g.folder == "/root/of/memory" && g.limit == "memory.limit_in_bytes" {
				roots++
			}
		}
		for line := range strings.Lines(own) {
			if fields := strings.SplitN(strings.TrimSpace(line), ":", 3); len(fields) == 3 && (fields[1] == "" || fields[1] == "memory") {
				lines++
			}
		}
		if roots < lines {
			t.Errorf("%d hierarchies of %d lines in %q", roots, lines, own)
		}
	})
}
