package poison

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// startBackend starts a backend whose answers name the request that they belong
// to: "<target>|<body>".
func startBackend(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(answer))
	s.Config.ErrorLog = nil
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func answer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Target", r.RequestURI)
	switch {
	case strings.HasPrefix(r.URL.Path, "/early/"):
		// The body is left where it is.
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "%s|", r.RequestURI)
		return
	case strings.HasPrefix(r.URL.Path, "/cut/"):
		w.Header().Set("Content-Length", "1000")
		fmt.Fprintf(w, "%s|", r.RequestURI)
		panic(http.ErrAbortHandler)
	case strings.HasPrefix(r.URL.Path, "/close/"):
		w.Header().Set("Connection", "close")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	if strings.HasPrefix(r.URL.Path, "/chunks/") {
		w.(http.Flusher).Flush()
	}
	fmt.Fprintf(w, "%s|%s", r.RequestURI, body)
}
