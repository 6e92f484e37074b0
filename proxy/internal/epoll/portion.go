//go:build linux

package epoll

import "time"

// The bounds of a portion. The first one is small, so that nobody gets much of the
// loop's time by connecting again and again.
const (
	firstPortion = 4 << 10
	leastPortion = 1 << 10
)

// portion is how many bytes of a connection are taken at once; zero is firstPortion.
// Input whose bytes cost much, as frames of one byte do, is taken in small ones: the
// other connections of the loop wait no longer than fairTime for them.
type portion int

// of returns as much as is taken of most bytes.
func (p portion) of(most int) int {
	if p == 0 {
		p = firstPortion
	}
	return min(most, int(p))
}

// after returns the next portion when n bytes have taken so long. A thread that had to
// wait for its CPU makes it smaller, too, which the next ones mend.
func (p portion) after(n int, took time.Duration) portion {
	switch {
	case took > fairTime:
		return portion(max(n/2, leastPortion))
	case n == p.of(readSize) && took < fairTime/2:
		return portion(min(2*p.of(readSize), readSize))
	}
	return p
}

// hand gives the peer its input.
func (s *socket) hand(b []byte) {
	if len(b) < leastPortion {
		// The clock is not looked at for those who have little to say.
		s.peer.Data(b)
		return
	}
	start := time.Now()
	s.peer.Data(b)
	s.portion = s.portion.after(len(b), time.Since(start))
}
