package cgroup

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzFind searches by any path that a proxy tells, and any UID. What is found is
// the pod's directory or one within it, and never another pod's.
func FuzzFind(f *testing.F) {
	root := f.TempDir()
	const uid = "6c1f2a0e-1"
	own := filepath.Join(root, "kubepods.slice", "kubepods-pod6c1f2a0e_1.slice")
	for _, dir := range []string{filepath.Join(own, "a", "b"), filepath.Join(root, "kubepods.slice", "kubepods-pod2.slice", "a"), own + "x"} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(uid, "/kubepods.slice/kubepods-pod6c1f2a0e_1.slice/a")
	f.Add(uid, "/../../kubepods.slice/kubepods-pod6c1f2a0e_1.slice/a/../../kubepods-pod2.slice")
	f.Add(uid, "/kubepods.slice/kubepods-pod6c1f2a0e_1.slicex")
	f.Add("2", "kubepods.slice//kubepods-pod2.slice/./a/")
	f.Add("", "/")
	f.Fuzz(func(t *testing.T, uid, path string) {
		dir, err := Search{Root: root, PodUID: uid, Path: path}.Find()
		if err != nil {
			return
		}
		defer dir.Close()
		where, err := os.Readlink(fmt.Sprint("/proc/self/fd/", dir.Fd()))
		if err != nil {
			t.Fatal(err)
		}
		below, _ := filepath.Rel(root, where)
		pod := ""
		for _, name := range strings.Split(below, "/") {
			if ofPod(name, uid) {
				pod = name
			}
		}
		if uid == "" || pod == "" || strings.HasPrefix(below, "..") {
			t.Errorf("%q of pod %q leads to %q", path, uid, where)
		}
	})
}
