package point

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrNone says that this architecture has no attach point, or that a probe has
// already replaced its bytes.
var ErrNone = errors.New("no attach point")

// Pattern is the attach point's code: a nop of one byte, for kernels that
// cannot replace the nop of five bytes behind it.
const Pattern = "\x90\x0f\x1f\x44\x00\x00"

// The places in Pattern that a probe can be attached to.
const (
	Trap = 0
	Fast = 1
)

// Offset returns the attach point's offset in the file of the running
// executable.
func Offset() (uint64, error) {
	address, err := Address()
	if err != nil {
		return 0, err
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return 0, fmt.Errorf("reading own mappings: %w", err)
	}
	defer maps.Close()
	return fileOffset(maps, uint64(address))
}

// Live returns the bytes at the attach point as they are at the moment, with
// whatever the kernel has written there.
func Live(address uintptr) [len(Pattern)]byte {
	return [len(Pattern)]byte(text()[address-entry():])
}

// Address returns the attach point's address in this process. It must be asked
// for before a probe is attached, and stays the same.
func Address() (uintptr, error) {
	at := bytes.Index(text(), []byte(Pattern))
	if at < 0 {
		return 0, ErrNone
	}
	return entry() + uintptr(at), nil
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
