package overload

import (
	"os"
	"path/filepath"
	"testing"
)

// tree writes files below a new folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestContainers(t *testing.T) {
	const none = "9223372036854771712\n"
	for name, tt := range map[string]struct {
		own   string
		files map[string]string
		// limit and used are zero where there is no limit.
		limit, used int64
	}{
		"version 2 in a namespace": {
			"0::/\n",
			map[string]string{"memory.max": "1000\n", "memory.current": "900\n", "memory.stat": "anon 1\ninactive_file 300\nactive_file 5\n"},
			1000, 600,
		},
		"version 2, the pod's limit is less": {
			"0::/pod/container\n",
			map[string]string{
				"pod/container/memory.max": "max\n", "pod/memory.max": "500\n", "pod/memory.current": "10\n",
			},
			500, 10,
		},
		"version 1 beside others": {
			"9:cpu,cpuacct:/\n4:memory:/a/b\n0::/\n",
			map[string]string{
				"memory/a/b/memory.limit_in_bytes": "2000\n", "memory/a/b/memory.usage_in_bytes": "1500\n",
				"memory/a/b/memory.stat":         "inactive_file 1\ntotal_inactive_file 500\n",
				"memory/a/memory.limit_in_bytes": none, "memory/memory.limit_in_bytes": none,
			},
			2000, 1000,
		},
		"version 1, the path is outside of the namespace": {
			"4:memory:/host/path\n",
			map[string]string{"memory/memory.limit_in_bytes": "300\n", "memory/memory.usage_in_bytes": "100\n"},
			300, 100,
		},
		"no limit": {"4:memory:/\n", map[string]string{"memory/memory.limit_in_bytes": none}, 0, 0},
		"nothing":  {"", nil, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := findContainer(tree(t, tt.files), tt.own)
			if c == nil {
				if tt.limit != 0 {
					t.Fatal("found none")
				}
				return
			}
			c.lookAtFiles()
			if c.Limit() != tt.limit || c.used() != tt.used {
				t.Errorf("got a limit of %d, %d used, want %d, %d", c.Limit(), c.used(), tt.limit, tt.used)
			}
		})
	}
}

func TestBound(t *testing.T) {
	const mebi = 1 << 20
	for limit, want := range map[int64]int64{
		16 * mebi:  14 * mebi,
		64 * mebi:  56 * mebi,
		100 * mebi: 94 * mebi,
		160 * mebi: 160 * mebi,
		1 << 40:    1 << 40,
	} {
		if got := (&Container{limit: limit}).bound(); got/mebi != want/mebi {
			t.Errorf("%d MiB: got %d, want %d", limit/mebi, got/mebi, want/mebi)
		}
	}
}
