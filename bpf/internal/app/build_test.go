package app

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func open(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file
}

// This test stands for the proxy, and the go command for another binary.
func TestTheExecutableIsTheProxyOfTheSensorsBuild(t *testing.T) {
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	told, err := exec.Command("go", "tool", "buildid", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	command, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	build := strings.TrimSpace(string(told))
	if err := checkBuild(open(t, path), build); err != nil {
		t.Errorf("the proxy: got error %v", err)
	}
	if err := checkBuild(open(t, command), build); !errors.Is(err, errBuild) {
		t.Errorf("another binary: got error %v", err)
	}
	if err := checkBuild(open(t, text), build); err == nil {
		t.Error("what is no binary is taken for the proxy")
	}
	if err := checkBuild(open(t, command), ""); err != nil {
		t.Errorf("a sensor that was built alone: got error %v", err)
	}
}

func TestNotesThatAreNotWhatTheySayHaveNoBuildID(t *testing.T) {
	const id = "\x04\x00\x00\x00\x03\x00\x00\x00\x04\x00\x00\x00Go\x00\x00abc\x00"
	const gnu = "\x04\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00GNU\x00xy\x00\x00"
	for _, tt := range []struct{ name, notes, want string }{
		{"the only note", id, "abc"},
		{"behind another one", gnu + id, "abc"},
		{"without its padding", id[:len(id)-1], "abc"},
		{"none", "", ""},
		{"another's", gnu, ""},
		{"cut in its head", id[:11], ""},
		{"cut in its content", id[:len(id)-2], ""},
		{"an owner that is longer than all", "\xff\xff\xff\xff" + id[4:], ""},
		{"content that is longer than all", id[:4] + "\xff\xff\xff\xff" + id[8:], ""},
	} {
		got, ok := goNote([]byte(tt.notes), binary.LittleEndian)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("%s: got %q, %t", tt.name, got, ok)
		}
	}
}
