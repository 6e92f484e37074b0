package point

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
)

func find(t *testing.T) Point {
	t.Helper()
	p, err := Find()
	if runtime.GOARCH != "amd64" {
		if !errors.Is(err, ErrNone) {
			t.Fatalf("Find: got error %v, want ErrNone", err)
		}
		t.Skip("the attach point is written for amd64 only")
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// file returns n bytes of the executable from the offset.
func file(t *testing.T, offset uint64, n int) string {
	t.Helper()
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	defer exe.Close()
	code := make([]byte, n)
	if _, err := exe.ReadAt(code, int64(offset)); err != nil {
		t.Fatal(err)
	}
	return string(code)
}

func TestFindLeadsToThePatternInFileAndMemory(t *testing.T) {
	p := find(t)
	if got := file(t, p.Offset, len(Pattern)); got != Pattern {
		t.Errorf("file at %#x: got % x, want % x", p.Offset, got, Pattern)
	}
	if got := p.Live(); string(got[:]) != Pattern {
		t.Errorf("memory at %#x: got % x, want % x", p.address, got, Pattern)
	}
}

func TestFastPointDoesNotCrossAPage(t *testing.T) {
	const page, nop = 4096, 5
	if in := (find(t).Offset + Fast) % page; in > page-nop {
		t.Errorf("the nop starts %d bytes into a page and crosses into the next", in)
	}
}

func TestPatternOccursOnce(t *testing.T) {
	p := find(t)
	entryOffset := p.Offset - uint64(p.address-entry())
	if n := strings.Count(file(t, entryOffset, search), Pattern); n != 1 {
		t.Errorf("pattern occurs %d times within %d bytes, want once", n, search)
	}
}

func TestRequestsDoneLeavesItsCallerAlone(t *testing.T) {
	// The call changes most registers; what the caller holds in them must be
	// what it was.
	sum := uint64(0)
	for i := range uint64(1000) {
		RequestsDone(&[12]uint64{i, i + 1, i + 2, i + 3, i + 4, i + 5, i + 6, i + 7, i + 8, i + 9, i + 10, i + 11})
		sum += i
	}
	if want := uint64(499500); sum != want {
		t.Errorf("got %d, want %d", sum, want)
	}
}

func TestFileOffset(t *testing.T) {
	const maps = `00400000-00452000 r--p 00000000 08:02 173521      /usr/bin/proxy
00452000-00500000 r-xp 00052000 08:02 173521      /usr/bin/proxy
00500000-00510000 rw-p 00100000 08:02 173521      /usr/bin/proxy
7ffd0000-7ffe0000 r-xp 00000000 00:00 0           [vdso]
`
	tests := []struct {
		address uint64
		want    uint64
		ok      bool
	}{
		{0x452000, 0x52000, true},
		{0x4fffff, 0xfffff, true},
		{0x400010, 0, false}, // not executable
		{0x500000, 0, false}, // the mapping's end is not part of it
		{0x7ffd0010, 0x10, true},
		{0x10, 0, false},
	}
	for _, tt := range tests {
		got, err := fileOffset(strings.NewReader(maps), tt.address)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("fileOffset(%#x) = %#x, %v; want %#x, ok %v", tt.address, got, err, tt.want, tt.ok)
		}
	}
}

func BenchmarkRequestsDone(b *testing.B) {
	var registers [12]uint64
	for b.Loop() {
		RequestsDone(&registers)
	}
}
