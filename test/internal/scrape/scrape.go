package scrape

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Sample is the metrics of one target at one time.
type Sample map[string]*dto.MetricFamily

// Get scrapes one target.
func Get(ctx context.Context, client *http.Client, url string) (Sample, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("scraping: %w", err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("scraping: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("scraping %s: status %d", url, resp.StatusCode)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("scraping %s: %w", url, err)
	}
	return families, nil
}

// Labels restrict a sum to the series that have them.
type Labels map[string]string

// Sum adds up the values of a counter or gauge.
func (s Sample) Sum(name string, want Labels) float64 {
	var sum float64
	for _, m := range s.series(name, want) {
		sum += valueOf(m)
	}
	return sum
}

// By adds up the values of a counter or gauge for each combination of values that the
// labels have. The keys are these values with spaces between them.
func (s Sample) By(name string, labels ...string) map[string]float64 {
	sums := make(map[string]float64)
	for _, m := range s.series(name, nil) {
		values := make([]string, len(labels))
		for _, pair := range m.GetLabel() {
			if at := slices.Index(labels, pair.GetName()); at >= 0 {
				values[at] = pair.GetValue()
			}
		}
		sums[strings.Join(values, " ")] += valueOf(m)
	}
	return sums
}

func valueOf(m *dto.Metric) float64 {
	return m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
}

// Label returns the value of a label of the first series of a metric, or "".
func (s Sample) Label(name, label string) string {
	for _, m := range s.series(name, nil) {
		for _, pair := range m.GetLabel() {
			if pair.GetName() == label {
				return pair.GetValue()
			}
		}
	}
	return ""
}

// Series is how many series the target has, with each bucket of a classic
// histogram, its sum and its count as Prometheus stores them.
func (s Sample) Series() int {
	n := 0
	for _, family := range s {
		for _, m := range family.GetMetric() {
			switch {
			case m.GetHistogram() != nil:
				n += len(m.GetHistogram().GetBucket()) + 2
			case m.GetSummary() != nil:
				n += len(m.GetSummary().GetQuantile()) + 2
			default:
				n++
			}
		}
	}
	return n
}

// Histogram adds up the classic buckets of a histogram.
func (s Sample) Histogram(name string, want Labels) Histogram {
	h := Histogram{buckets: map[float64]float64{}}
	for _, m := range s.series(name, want) {
		h.Count += float64(m.GetHistogram().GetSampleCount())
		h.Sum += m.GetHistogram().GetSampleSum()
		for _, b := range m.GetHistogram().GetBucket() {
			h.buckets[b.GetUpperBound()] += float64(b.GetCumulativeCount())
		}
	}
	return h
}

func (s Sample) series(name string, want Labels) []*dto.Metric {
	var found []*dto.Metric
	for _, m := range s[name].GetMetric() {
		have := Labels{}
		for _, pair := range m.GetLabel() {
			have[pair.GetName()] = pair.GetValue()
		}
		if have.include(want) {
			found = append(found, m)
		}
	}
	return found
}

func (l Labels) include(want Labels) bool {
	for name, value := range want {
		if l[name] != value {
			return false
		}
	}
	return true
}

// Histogram is a sum of classic histograms. The zero value is empty.
type Histogram struct {
	Count, Sum float64
	buckets    map[float64]float64
}

// Add returns the sum of both.
func (h Histogram) Add(o Histogram) Histogram {
	sum := Histogram{Count: h.Count + o.Count, Sum: h.Sum + o.Sum, buckets: maps.Clone(o.buckets)}
	if sum.buckets == nil {
		sum.buckets = map[float64]float64{}
	}
	for bound, n := range h.buckets {
		sum.buckets[bound] += n
	}
	return sum
}

// Sub returns what came on top of an earlier state of the same histogram.
func (h Histogram) Sub(earlier Histogram) Histogram {
	diff := Histogram{Count: h.Count - earlier.Count, Sum: h.Sum - earlier.Sum, buckets: maps.Clone(h.buckets)}
	for bound, n := range earlier.buckets {
		diff.buckets[bound] -= n
	}
	return diff
}

// Quantile estimates a quantile as Prometheus' histogram_quantile does, by
// straight lines within a bucket.
func (h Histogram) Quantile(q float64) float64 {
	rank := q * h.Count
	lower, below := 0.0, 0.0
	for _, bound := range slices.Sorted(maps.Keys(h.buckets)) {
		n := h.buckets[bound]
		if n >= rank && n > below {
			if math.IsInf(bound, 1) {
				return lower
			}
			return lower + (bound-lower)*(rank-below)/(n-below)
		}
		lower, below = bound, n
	}
	return math.NaN()
}
