package perf

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// record is a record as the kernel writes it.
func record(kind uint32, misc uint16, address uint64, pid uint32) []byte {
	order := binary.NativeEndian
	b := order.AppendUint32(nil, kind)
	b = order.AppendUint16(b, misc)
	b = order.AppendUint16(b, sampleSize)
	b = order.AppendUint64(b, address)
	b = order.AppendUint32(b, pid)
	return order.AppendUint32(b, pid)
}

func TestParseSamples(t *testing.T) {
	user := record(unix.PERF_RECORD_SAMPLE, unix.PERF_RECORD_MISC_USER, 0x401000, 7)
	kernel := record(unix.PERF_RECORD_SAMPLE, unix.PERF_RECORD_MISC_KERNEL, 0xffffffff81000000, 8)
	lost := record(unix.PERF_RECORD_LOST, 0, 1, 2)
	a, b := Sample{7, 0x401000, false}, Sample{8, 0xffffffff81000000, true}
	tests := []struct {
		name string
		data []byte
		want []Sample
	}{
		{"nothing", nil, nil},
		{"both modes", slices.Concat(user, kernel), []Sample{a, b}},
		{"others are left out", slices.Concat(user, lost, kernel), []Sample{a, b}},
		{"cut off", slices.Concat(user, kernel[:20]), []Sample{a}},
		{"no size", make([]byte, 64), nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := parseSamples(test.data); !slices.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestKernelSymbols(t *testing.T) {
	s, err := parseKernel(strings.NewReader("ffffffff81000200 T second\nffffffff81000100 t first [module]\nffffffff81000180 d data\n"))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[uint64]string{
		0xffffffff81000000: "?",
		0xffffffff81000100: "first",
		0xffffffff810001ff: "first",
		0xffffffff81000200: "second",
		0xffffffffffffffff: "second",
	} {
		if got := s.Name(address); got != want {
			t.Errorf("Name(%x) = %q, want %q", address, got, want)
		}
	}
	if _, err := parseKernel(strings.NewReader("nowhere T name\n")); err == nil {
		t.Error("an address that is none was taken")
	}
}
