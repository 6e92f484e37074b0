package main

import "testing"

func TestTheOperatorLeavesCoresToOthers(t *testing.T) {
	for _, tt := range []struct{ machine, byDefault, want int }{
		{1, 1, 1}, {2, 2, 1}, {3, 3, 1}, {64, 64, 32},
		{64, 2, 2}, // by a limit of its container
	} {
		if got := coresOf(tt.machine, tt.byDefault); got != tt.want {
			t.Errorf("of %d cores, %d by default: got %d, want %d", tt.machine, tt.byDefault, got, tt.want)
		}
	}
}
