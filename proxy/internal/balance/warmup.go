package balance

// An endpoint that is new among others, or was readmitted, begins with leastWarm
// of its share and comes to the whole of it over the policy's slow start.
const (
	leastWarm = 0.1
	// warmupPending marks an endpoint whose warming up begins with the first
	// request that looks at it.
	warmupPending = -1
)

// warmth is the share, in (0, 1], that the endpoint takes of its requests.
func (e *Endpoint) warmth(now int64) float64 {
	since := e.warmSince.Load()
	if since == 0 {
		return 1
	}
	if since == warmupPending {
		e.warmSince.CompareAndSwap(warmupPending, max(1, now))
		return leastWarm
	}
	window := e.Cluster.Policy().slowStart
	if now-since >= window {
		e.warmSince.CompareAndSwap(since, 0)
		return 1
	}
	return max(leastWarm, float64(now-since)/float64(window))
}

// takesTurn says whether the endpoint takes the n-th of its turns.
func (e *Endpoint) takesTurn(now int64, n uint64) bool {
	if e.warmSince.Load() == 0 {
		return true
	}
	return float64(n*golden>>11) < e.warmth(now)*(1<<53)
}
