package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/fleetgate/fleetgate/bpf/internal/bpftest"
)

func TestFind(t *testing.T) {
	const uid = "0a1b2c3d-1111-2222-3333-444455556666"
	tests := []struct {
		name string
		dirs []string
		path string
		uid  string
		want string
	}{
		{
			name: "the path that the proxy tells",
			dirs: []string{"kubepods/burstable/pod" + uid + "/c1", "kubepods/burstable/pod" + uid + "/c2"},
			path: "/kubepods/burstable/pod" + uid + "/c2",
			uid:  uid,
			want: "kubepods/burstable/pod" + uid + "/c2",
		},
		{
			name: "a path seen from within a cgroup namespace",
			dirs: []string{"kubepods/burstable/pod" + uid + "/c1"},
			path: "/",
			uid:  uid,
			want: "kubepods/burstable/pod" + uid,
		},
		{
			name: "directories of systemd",
			dirs: []string{"kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_1111_2222_3333_444455556666.slice/cri-containerd-c1.scope"},
			path: "/",
			uid:  uid,
			want: "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_1111_2222_3333_444455556666.slice",
		},
		{
			name: "the path of another pod is not followed",
			dirs: []string{"kubepods/podother/c9", "kubepods/pod" + uid + "/c1"},
			path: "/kubepods/podother/c9",
			uid:  uid,
			want: "kubepods/pod" + uid,
		},
		{
			name: "nor is one that climbs out",
			dirs: []string{"kubepods/podother/c9", "kubepods/pod" + uid + "/c1"},
			path: "/kubepods/pod" + uid + "/../podother/c9",
			uid:  uid,
			want: "kubepods/pod" + uid,
		},
		{
			name: "a pod whose name only begins alike",
			dirs: []string{"kubepods/pod" + uid + "0/c1"},
			path: "/kubepods/pod" + uid + "0/c1",
			uid:  uid,
		},
		{
			name: "no UID",
			dirs: []string{"kubepods/pod" + uid},
			path: "/kubepods/pod" + uid,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			for _, dir := range tt.dirs {
				if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			dir, err := Search{Root: root, PodUID: tt.uid, Path: tt.path}.Find()
			if tt.want == "" {
				if !errors.Is(err, ErrNotFound) {
					t.Fatalf("got error %v, want ErrNotFound", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer dir.Close()
			if want := filepath.Join(root, tt.want); dir.Name() != want {
				t.Errorf("got %s, want %s", dir.Name(), want)
			}
		})
	}
}

func TestVerify(t *testing.T) {
	open := func(path string) *os.File {
		dir, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { dir.Close() })
		return dir
	}
	if _, err := Verify(open(t.TempDir())); !errors.Is(err, ErrNotCgroup) {
		t.Errorf("an ordinary directory: got error %v, want ErrNotCgroup", err)
	}
	mount, err := bpftest.CgroupMount()
	bpftest.Require(t, err)
	if _, err := Verify(open(filepath.Join(mount, "cgroup.procs"))); !errors.Is(err, ErrNotCgroup) {
		t.Errorf("a file: got error %v, want ErrNotCgroup", err)
	}
	if _, err := Verify(open(mount)); !errors.Is(err, ErrRoot) {
		t.Errorf("the root: got error %v, want ErrRoot", err)
	}
	dir, err := bpftest.NewCgroup(t)
	bpftest.Require(t, err)
	if id, err := Verify(open(dir)); err != nil || id == 0 {
		t.Errorf("a child: got %d, %v", id, err)
	}
}
