package wire

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

func TestBlockIsWhatADecoderReads(t *testing.T) {
	want := Fields(":method", "GET", "", "", "X-Upper", "a\r\nb\x00")
	for _, length := range []int{126, 127, 128, 254, 255, 256, 16510, 16511, 16512, 70000} {
		want = append(want, hpack.HeaderField{Name: strings.Repeat("n", length), Value: strings.Repeat("v", length)})
	}
	got, err := hpack.NewDecoder(4096, nil).DecodeFull(Block(want...))
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %d fields and %v, want %d", len(got), err, len(want))
	}
}
