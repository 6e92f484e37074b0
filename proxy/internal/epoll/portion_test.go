//go:build linux

package epoll

import (
	"testing"
	"time"
)

func TestPortionFollowsWhatInputCosts(t *testing.T) {
	const dear, cheap, neither = 2 * fairTime, fairTime / 4, fairTime * 3 / 4
	for _, tc := range []struct {
		name string
		was  portion
		n    int
		took time.Duration
		want int
	}{
		{"a first one that is cheap", 0, firstPortion, cheap, 2 * firstPortion},
		{"a first one that is dear", 0, firstPortion, dear, firstPortion / 2},
		{"a first one that is neither", 0, firstPortion, neither, firstPortion},
		{"cheap, but not all of it", 8 << 10, 5 << 10, cheap, 8 << 10},
		{"dear, and not all of it", 64 << 10, 8 << 10, dear, 4 << 10},
		{"as large as they become", readSize, readSize, cheap, readSize},
		{"as small as they become", leastPortion, leastPortion, dear, leastPortion},
		{"up again from there", leastPortion, leastPortion, cheap, 2 * leastPortion},
	} {
		if got := tc.was.after(tc.n, tc.took).of(readSize); got != tc.want {
			t.Errorf("%s: the next portion is %d bytes, want %d", tc.name, got, tc.want)
		}
	}
}

func TestPortionBoundsOneRead(t *testing.T) {
	slow := time.Duration(0)
	var p portion
	for range 10 {
		n := p.of(readSize)
		// A byte costs a tenth of a microsecond, as in frames of one byte.
		slow = time.Duration(n) * 100 * time.Nanosecond
		p = p.after(n, slow)
	}
	if slow > 2*fairTime {
		t.Errorf("after ten reads one still takes %v, want at most %v", slow, 2*fairTime)
	}
}
