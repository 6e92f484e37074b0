package admin

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Health is what the health port reads from.
type Health struct {
	// NotReady returns why the proxy should get no traffic, or an empty string.
	NotReady func() string
	Metrics  prometheus.Gatherer
}

// Handler returns the handler of the health port.
func (h Health) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.Metrics, promhttp.HandlerOpts{
		// A scrape is small, and a compressor costs more memory than all of it.
		DisableCompression: true,
		// Two Prometheus servers may scrape at once; what comes in beside them
		// waits for the next time.
		MaxRequestsInFlight: 4,
	}))
	return mux
}

func (h Health) ready(w http.ResponseWriter, _ *http.Request) {
	if why := h.NotReady(); why != "" {
		answer(w, http.StatusServiceUnavailable, why)
		return
	}
	answer(w, http.StatusOK, "ok")
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
