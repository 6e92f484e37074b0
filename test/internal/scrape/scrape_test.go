package scrape

import (
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
)

const page = `# TYPE requests_total counter
requests_total{route="a",code="200"} 3
requests_total{route="a",code="500"} 1
requests_total{route="b",code="200"} 5
# TYPE latency_seconds histogram
latency_seconds_bucket{route="a",le="0.1"} 2
latency_seconds_bucket{route="a",le="0.2"} 4
latency_seconds_bucket{route="a",le="+Inf"} 4
latency_seconds_sum{route="a"} 0.5
latency_seconds_count{route="a"} 4
`

func sample(t *testing.T) Sample {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(page))
	}))
	defer server.Close()
	s, err := Get(t.Context(), server.Client(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSumAddsTheSeriesThatHaveTheLabels(t *testing.T) {
	s := sample(t)
	for _, tt := range []struct {
		name string
		want Labels
		sum  float64
	}{
		{"requests_total", nil, 9},
		{"requests_total", Labels{"route": "a"}, 4},
		{"requests_total", Labels{"route": "a", "code": "500"}, 1},
		{"requests_total", Labels{"route": "c"}, 0},
		{"absent", nil, 0},
	} {
		if got := s.Sum(tt.name, tt.want); got != tt.sum {
			t.Errorf("Sum(%s, %v) = %v, want %v", tt.name, tt.want, got, tt.sum)
		}
	}
}

func TestByAddsForEachValue(t *testing.T) {
	s := sample(t)
	for _, tt := range []struct {
		labels []string
		want   map[string]float64
	}{
		{[]string{"route"}, map[string]float64{"a": 4, "b": 5}},
		{[]string{"code", "route"}, map[string]float64{"200 a": 3, "500 a": 1, "200 b": 5}},
		{[]string{"code", "absent"}, map[string]float64{"200 ": 8, "500 ": 1}},
	} {
		if got := s.By("requests_total", tt.labels...); !maps.Equal(got, tt.want) {
			t.Errorf("By %q: %v, want %v", tt.labels, got, tt.want)
		}
	}
}

func TestQuantileInterpolatesWithinABucket(t *testing.T) {
	h := sample(t).Histogram("latency_seconds", nil)
	for q, want := range map[float64]float64{0.25: 0.05, 0.5: 0.1, 0.75: 0.15} {
		if got := h.Quantile(q); math.Abs(got-want) > 1e-9 {
			t.Errorf("Quantile(%v) = %v, want %v", q, got, want)
		}
	}
	twice := h.Add(h)
	if twice.Count != 8 || twice.Quantile(0.5) != h.Quantile(0.5) {
		t.Errorf("the sum of two equal histograms has count %v and median %v", twice.Count, twice.Quantile(0.5))
	}
	if rest := twice.Sub(h); rest.Count != h.Count || rest.Sum != h.Sum {
		t.Errorf("Sub left count %v and sum %v", rest.Count, rest.Sum)
	}
}
