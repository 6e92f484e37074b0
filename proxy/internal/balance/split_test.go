package balance

import (
	"sync"
	"testing"
)

func TestSplitFollowsWeights(t *testing.T) {
	tests := []struct {
		name     string
		weights  []int32
		requests int
		// within bounds how far a count may be from its exact share.
		within int
	}{
		{"90 to 10", []int32{90, 10}, 1000, 3},
		{"even", []int32{1, 1}, 1000, 3},
		{"thirds", []int32{1, 1, 1}, 999, 3},
		{"a zero", []int32{1, 0, 3}, 1000, 3},
		{"one in a thousand", []int32{999, 1}, 10000, 3},
		{"great weights", []int32{1000000, 500000, 250000}, 7000, 4},
		{"sixteen", []int32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 13600, 5},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			items := make([]int, len(test.weights))
			total := 0
			for i, w := range test.weights {
				items[i] = i
				total += int(w)
			}
			s := NewSplit(items, test.weights)
			counts := make([]int, len(items))
			// The share holds at every moment and not only in the end.
			for n := 1; n <= test.requests; n++ {
				item, ok := s.Pick()
				if !ok {
					t.Fatal("nothing picked")
				}
				counts[item]++
				for i, w := range test.weights {
					if off := counts[i] - n*int(w)/total; off > test.within || off < -test.within {
						t.Fatalf("after %d requests item %d had %d, %d off", n, i, counts[i], off)
					}
				}
			}
			for i, w := range test.weights {
				if w == 0 && counts[i] != 0 {
					t.Errorf("item %d of weight zero had %d", i, counts[i])
				}
			}
		})
	}
}

func TestSplitWithoutWeight(t *testing.T) {
	for _, s := range []*Split[int]{
		NewSplit[int](nil, nil),
		NewSplit([]int{1, 2}, []int32{0, 0}),
		NewSplit([]int{1}, []int32{0}),
	} {
		if item, ok := s.Pick(); ok {
			t.Errorf("picked %d, want nothing", item)
		}
	}
	if item, ok := NewSplit([]int{7}, []int32{5}).Pick(); !ok || item != 7 {
		t.Errorf("got %d, %v, want 7", item, ok)
	}
}

func TestSplitIsExactAmongGoroutines(t *testing.T) {
	s := NewSplit([]int{0, 1}, []int32{90, 10})
	var mu sync.Mutex
	var wg sync.WaitGroup
	total := 0
	for range 4 {
		wg.Go(func() {
			n := 0
			for range 2500 {
				item, _ := s.Pick()
				n += item
			}
			mu.Lock()
			total += n
			mu.Unlock()
		})
	}
	wg.Wait()
	if total < 997 || total > 1003 {
		t.Errorf("got %d of 10000 for a weight of 10 %%", total)
	}
}
