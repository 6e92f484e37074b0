package supervise

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestPagesOfTheProgram(t *testing.T) {
	for _, test := range []struct {
		line       string
		start, end uintptr
	}{
		{"00400000-00a1b000 r-xp 00000000 00:2d 1234                               /fleetgate-proxy", 0x400000, 0xa1b000},
		{"00a1b000-00f00000 r--p 0061b000 00:2d 1234                               /fleetgate-proxy", 0xa1b000, 0xf00000},
		{"00f00000-00f40000 rw-p 00b00000 00:2d 1234                               /fleetgate-proxy", 0, 0},
		{"c000000000-c000400000 rw-p 00000000 00:00 0 ", 0, 0},
		{"7ffd1000-7ffd3000 r-xp 00000000 00:00 0                                  [vdso]", 0, 0},
		{"7ffd3000-7ffd5000 r--p 00000000 00:00 0", 0, 0},
		{"what is no line", 0, 0},
	} {
		start, end, ok := programPages(test.line)
		if start != test.start || end != test.end || ok != (test.end > 0) {
			t.Errorf("%q: got %x to %x, %v", test.line, start, end, ok)
		}
	}
}

// What is given back is less memory at once, and the program goes on.
func TestShedPagesAreGone(t *testing.T) {
	before := mapped(t)
	shedPages()
	if after := mapped(t); after >= before {
		t.Errorf("%d kB of files are mapped, and %d were before", after, before)
	}
}

// mapped is how much of files is in this process's memory, in kB.
func mapped(t *testing.T) (kB int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssFile:")
	if _, err := fmt.Sscan(rest, &kB); err != nil {
		t.Fatal(err)
	}
	return kB
}
