package renaming

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// Transport renames what goes to the API server and comes from it. Bodies must be
// JSON; what has another type, such as a pod's log, passes as it is.
func (n *Names) Transport(base http.RoundTripper) http.RoundTripper {
	return &transport{names: n, base: base}
}

type transport struct {
	names *Names
	base  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Query().Has("watch") {
		return nil, fmt.Errorf("renaming: a watch of %s is not a document", req.URL.Path)
	}
	renamed := req.Clone(req.Context())
	t.names.address(renamed.URL)
	if err := t.request(renamed); err != nil {
		return nil, fmt.Errorf("renaming a request: %w", err)
	}
	resp, err := t.base.RoundTrip(renamed)
	if err != nil {
		return nil, err
	}
	if err := t.response(resp); err != nil {
		return nil, fmt.Errorf("renaming a response: %w", err)
	}
	return resp, nil
}

func (t *transport) request(req *http.Request) error {
	if req.Body == nil {
		return nil
	}
	text, err := readAll(req.Body)
	if err != nil {
		return err
	}
	if text, err = t.names.body(text, true); err != nil {
		return err
	}
	req.Body, req.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text)), nil }
	return nil
}

func (t *transport) response(resp *http.Response) error {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil //nolint:nilerr // What has no type is no JSON either.
	}
	text, err := readAll(resp.Body)
	if err != nil {
		return err
	}
	if len(text) > 0 {
		if text, err = t.names.body(text, false); err != nil {
			return err
		}
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	resp.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

func readAll(body io.ReadCloser) ([]byte, error) {
	text, err := io.ReadAll(body)
	if closing := body.Close(); err == nil {
		err = closing
	}
	return text, err
}

// word is what a name can be in a selector.
var word = regexp.MustCompile(`[A-Za-z0-9./-]+`)

// address renames the segments of the path, and names in selectors.
func (n *Names) address(u *url.URL) {
	segments := strings.Split(u.Path, "/")
	for i, s := range segments {
		segments[i] = n.Other(s)
	}
	u.Path, u.RawPath = strings.Join(segments, "/"), ""
	query := u.Query()
	for _, values := range query {
		for i := range values {
			values[i] = word.ReplaceAllStringFunc(values[i], n.Other)
		}
	}
	u.RawQuery = query.Encode()
}
