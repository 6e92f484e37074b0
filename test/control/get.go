package main

import (
	"context"
	"io"
	"net/http"
)

// get sends one request to an address, and returns the status of the answer and
// the mark that the route's filter has set.
func get(ctx context.Context, http1 *http.Client, address, host, path string) (status int, mark string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return 0, "", err
	}
	req.Host = host
	resp, err := http1.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header.Get("X-Mark"), err
}
