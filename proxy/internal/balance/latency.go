package balance

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	// latencyDecay is the time in which an old observation comes to weigh 1/e.
	latencyDecay = 10 * time.Second
	// unknownLatency, in nanoseconds, is worse than any that is known.
	unknownLatency = float64(time.Hour)
	// tickShift makes ticks of about a millisecond out of nanoseconds.
	tickShift = 20
	ticksPerE = float64(latencyDecay) / (1 << tickShift)
)

// latency is a moving average that rises at once and falls with time: a slow
// answer counts in full, and is forgotten at the rate of latencyDecay. While
// nothing is observed it falls towards zero, so that an endpoint which was slow
// is asked again.
//
// The average and the time of its last change share one word, so that they
// always fit each other: a float32 of nanoseconds, and a count of ticks that may
// wrap around.
type latency struct{ word atomic.Uint64 }

// at returns the average in nanoseconds; false when nothing was observed yet.
func (l *latency) at(now int64) (float64, bool) {
	word := l.word.Load()
	if word == 0 {
		return 0, false
	}
	average, age := unpack(word, now)
	return average * decay(age), true
}

// observe adds a sample of nanoseconds. With onlyWorse set it never lowers the
// average: an error is no good answer for having come fast.
func (l *latency) observe(now, sample int64, onlyWorse bool) {
	value := float64(max(sample, 1))
	for {
		word := l.word.Load()
		if word != 0 {
			average, age := unpack(word, now)
			weight := decay(age)
			switch faded := average * weight; {
			case value >= average:
			case onlyWorse:
				return
			default:
				value = faded + value*(1-weight)
			}
		}
		if l.word.CompareAndSwap(word, pack(value, now)) {
			return
		}
		value = float64(max(sample, 1))
	}
}

func pack(average float64, now int64) uint64 {
	return uint64(math.Float32bits(float32(average)))<<32 | uint64(uint32(now>>tickShift))
}

// unpack returns the average and its age in ticks. Two loops' clocks may differ
// by a little, so that the age may be negative.
func unpack(word uint64, now int64) (average float64, age int32) {
	return float64(math.Float32frombits(uint32(word >> 32))), int32(uint32(now>>tickShift) - uint32(word))
}

func decay(age int32) float64 {
	if age <= 0 {
		return 1
	}
	return math.Exp(-float64(age) / ticksPerE)
}
