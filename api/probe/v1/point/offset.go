package point

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unsafe"
)

// ErrNone says that this architecture has no attach point.
var ErrNone = errors.New("no attach point")

// Pattern is the attach point's code: a nop of one byte, for kernels that
// cannot replace the nop of five bytes behind it.
const Pattern = "\x90\x0f\x1f\x44\x00\x00"

// The places in Pattern that a probe can be attached to.
const (
	Trap = 0
	Fast = 1
)

// search is how far behind the entry the nops can be.
const search = 128

// Point is the attach point of the running executable.
type Point struct {
	// Offset is that in the executable's file.
	Offset uint64
	// address is that in this process.
	address uintptr
}

// Find finds the attach point. It looks into the file and not at the code in
// memory, which another pod's sensor may have changed already: a probe sits on
// a file, and so in every process that runs it.
func Find() (Point, error) {
	start := entry()
	if start == 0 {
		return Point{}, ErrNone
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return Point{}, fmt.Errorf("reading own mappings: %w", err)
	}
	defer maps.Close()
	offset, err := fileOffset(maps, uint64(start))
	if err != nil {
		return Point{}, err
	}
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		return Point{}, fmt.Errorf("opening own executable: %w", err)
	}
	defer exe.Close()
	code := make([]byte, search)
	if _, err := exe.ReadAt(code, int64(offset)); err != nil {
		return Point{}, fmt.Errorf("reading own executable: %w", err)
	}
	at := bytes.Index(code, []byte(Pattern))
	if at < 0 {
		return Point{}, ErrNone
	}
	return Point{Offset: offset + uint64(at), address: start + uintptr(at)}, nil
}

// Live returns the code at the attach point as it is at the moment, with
// whatever the kernel has written there.
func (p Point) Live() [len(Pattern)]byte {
	// The address is not a Go pointer: code is never moved or freed.
	return **(**[len(Pattern)]byte)(unsafe.Pointer(&p.address))
}

// fileOffset translates an address by the lines of /proc/<pid>/maps:
// "00400000-00452000 r-xp 00001000 08:02 173521 /usr/bin/proxy".
func fileOffset(maps io.Reader, address uint64) (uint64, error) {
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		var low, high, offset uint64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s %x", &low, &high, &mode, &offset); err != nil {
			return 0, fmt.Errorf("reading mapping %q: %w", lines.Text(), err)
		}
		if low <= address && address < high && strings.Contains(mode, "x") {
			return address - low + offset, nil
		}
	}
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("reading own mappings: %w", err)
	}
	return 0, fmt.Errorf("no mapping holds address %#x", address)
}
