package exchange

import "testing"

func TestSparesKeepWhatIsNeeded(t *testing.T) {
	var s spares[int]
	use := func(n int) {
		var taken []int
		for i := range n {
			v, ok := s.take()
			if !ok {
				v = i
			}
			taken = append(taken, v)
		}
		for _, v := range taken {
			s.put(v)
		}
	}
	use(1000)
	s.sweep(false)
	for range 3 {
		use(300)
		s.sweep(false)
	}
	if got := len(s.idle); got != 300 {
		t.Errorf("%d are kept, of which 300 are needed", got)
	}
	s.sweep(false)
	if got := len(s.idle); got != 0 {
		t.Errorf("%d are kept, of which none is needed", got)
	}
	use(300)
	s.sweep(true)
	if _, ok := s.take(); ok {
		t.Error("a sweep of all left some")
	}
}
