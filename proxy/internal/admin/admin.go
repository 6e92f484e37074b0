package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/configsource"
)

// maxWait bounds how long a report is held back.
const maxWait = 5 * time.Minute

// Reporter tells what the proxy serves. A configsource.Coordinator is one.
type Reporter interface {
	Report() proxyconfig.Report
	AwaitReport(ctx context.Context, after uint64) proxyconfig.Report
	Status() configsource.Status
}

// Admin is what the admin port reads from.
type Admin struct {
	Credentials *Credentials
	Reporter    Reporter
	// Running ends with the process, and with it the requests that wait.
	Running context.Context
}

// Handler returns the handler of the admin port. Nothing is said to whoever
// does not have the token, not even which paths there are.
func (a Admin) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/report", a.report)
	mux.HandleFunc("GET /v1/config", a.config)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !a.Credentials.permits(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="fleetgate"`)
			answer(w, http.StatusUnauthorized, "a bearer token is needed")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// report answers as proxyconfig.Report documents.
func (a Admin) report(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if !query.Has("after") {
		answerJSON(w, a.Reporter.Report())
		return
	}
	after, err := strconv.ParseUint(query.Get("after"), 10, 64)
	if err != nil {
		answer(w, http.StatusBadRequest, "after is not a sequence number")
		return
	}
	wait, err := parseWait(query.Get("wait"))
	if err != nil {
		answer(w, http.StatusBadRequest, "wait is not a number of seconds")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	defer context.AfterFunc(a.Running, cancel)()
	answerJSON(w, a.Reporter.AwaitReport(ctx, after))
}

// parseWait reads a number of seconds; an empty one is none.
func parseWait(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	seconds, err := strconv.ParseUint(s, 10, 31)
	return min(time.Duration(seconds)*time.Second, maxWait), err
}

// config answers with the document that serves. It holds no key material:
// certificates are part of it by name and hash only.
func (a Admin) config(w http.ResponseWriter, _ *http.Request) {
	status := a.Reporter.Status()
	if status.Document == nil || status.Snapshot == nil {
		answer(w, http.StatusNotFound, "no configuration serves")
		return
	}
	raw, err := json.Marshal(status.Snapshot.Config)
	if err != nil {
		answer(w, http.StatusInternalServerError, "the configuration cannot be encoded")
		return
	}
	document := *status.Document
	document.Config = raw
	answerJSON(w, document)
}

func answerJSON(w http.ResponseWriter, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		answer(w, http.StatusInternalServerError, "the answer cannot be encoded")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	// A client that left cannot be told of it.
	_, _ = w.Write(append(data, '\n'))
}
