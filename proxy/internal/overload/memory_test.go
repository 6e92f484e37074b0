package overload

import "testing"

func TestRuntimeLimit(t *testing.T) {
	for _, tt := range []struct{ container, others, want int64 }{
		{1000, 0, 900},
		{1000, 50, 900},
		{1000, 200, 750},
		{1000, 800, 500},
	} {
		if got := runtimeLimit(tt.container, tt.others); got != tt.want {
			t.Errorf("%d, others use %d: got %d, want %d", tt.container, tt.others, got, tt.want)
		}
	}
}
