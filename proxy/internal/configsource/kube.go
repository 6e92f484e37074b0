package configsource

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/json/jsontext"
	jsonv2 "encoding/json/v2"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// serviceAccountDir is where the kubelet puts the credentials of a pod.
const serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// KubeClient reads single objects of one namespace from the API server.
// client-go would do the same at ten times the memory.
type KubeClient struct {
	// BaseURL is the API server's, without a trailing slash.
	BaseURL   string
	Namespace string
	// TokenFile holds the bearer token. It is read for every request, for the
	// kubelet renews it. Empty sends none.
	TokenFile string
	HTTP      *http.Client
}

// NewInClusterClient makes a client of the credentials that a pod has.
func NewInClusterClient(namespace string) (*KubeClient, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, errors.New("the process does not run in a cluster: KUBERNETES_SERVICE_HOST and _PORT are not set")
	}
	ca, err := os.ReadFile(filepath.Join(serviceAccountDir, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("reading the API server's CA: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("the API server's CA holds no certificate")
	}
	return &KubeClient{
		BaseURL:   "https://" + net.JoinHostPort(host, port),
		Namespace: namespace,
		TokenFile: filepath.Join(serviceAccountDir, "token"),
		HTTP:      &http.Client{Transport: newTransport(roots)},
	}, nil
}

// newTransport pings an idle connection: a watch is silent for hours, and an
// API server that vanished must be noticed within seconds.
func newTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: 10 * time.Second, PingTimeout: 5 * time.Second},
		DialContext:           (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
		TLSHandshakeTimeout:   5 * time.Second,
		ResponseHeaderTimeout: 10 * time.Second,
		MaxIdleConns:          2,
		IdleConnTimeout:       time.Minute,
	}
}

// statusError is an answer of the API server that is not a success.
type statusError struct {
	code       int
	message    string
	retryAfter time.Duration
}

func (e *statusError) Error() string {
	return fmt.Sprintf("the API server answered %d: %s", e.code, e.message)
}

// hasStatus says whether err is an answer with this status.
func hasStatus(err error, code int) bool {
	var status *statusError
	return errors.As(err, &status) && status.code == code
}

// get returns the body of a successful answer. The caller closes it.
func (c *KubeClient) get(ctx context.Context, path string, query url.Values) (io.ReadCloser, error) {
	target := c.BaseURL + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if err := c.authorize(req); err != nil {
		return nil, err
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, statusOf(resp)
	}
	return resp.Body, nil
}

func (c *KubeClient) authorize(req *http.Request) error {
	if c.TokenFile == "" {
		return nil
	}
	token, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return fmt.Errorf("reading the service account's token: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	return nil
}

// statusOf reads a meta/v1 Status, as far as there is one.
func statusOf(resp *http.Response) *statusError {
	e := &statusError{code: resp.StatusCode, message: http.StatusText(resp.StatusCode)}
	var status struct {
		Message string `json:"message"`
	}
	if json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&status) == nil && status.Message != "" {
		e.message = status.Message
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		e.retryAfter = min(time.Duration(seconds)*time.Second, time.Minute)
	}
	return e
}

// collection is the path of all objects of a resource of the core group.
func (c *KubeClient) collection(resource string) string {
	return "/api/v1/namespaces/" + url.PathEscape(c.Namespace) + "/" + resource
}

// lenient has JSON read as the API server writes it, without looking for names that
// are there twice.
var lenient = jsonv2.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// text is a string of JSON as bytes, which others can keep.
type text []byte

// UnmarshalJSONFrom implements jsonv2.UnmarshalerFrom.
func (t *text) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	value, err := d.ReadValue()
	if err == nil {
		*t, err = jsontext.AppendUnquote(make([]byte, 0, len(value)), value)
	}
	return err
}

// object is what is read of ConfigMaps, whose V is text, and Secrets alike. A Secret's
// values are base64, which V decodes by being []byte.
type object[V any] struct {
	Metadata struct {
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Data map[string]V `json:"data"`
	// BinaryData is a ConfigMap's.
	BinaryData map[string][]byte `json:"binaryData"`
}

// maxObjectBytes bounds what is read of one object: base64 of what fits into a
// ConfigMap, and its metadata.
const maxObjectBytes = 2 << 20

// part reads one version of a part from the ConfigMap that is named after the
// index.
func (c *KubeClient) part(ctx context.Context, index string, p proxyconfig.Part) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := c.get(ctx, c.collection("configmaps")+"/"+url.PathEscape(index+"-"+p.Name()), nil)
	if hasStatus(err, http.StatusNotFound) {
		return nil, missing(p)
	}
	if err != nil {
		return nil, fmt.Errorf("reading part %s: %w", p.Name(), err)
	}
	defer body.Close()
	var o object[text]
	if err := jsonv2.UnmarshalRead(io.LimitReader(body, maxObjectBytes), &o, lenient); err != nil {
		return nil, fmt.Errorf("reading part %s: %w", p.Name(), err)
	}
	data, ok := o.BinaryData[p.Key()]
	if !ok {
		return nil, missing(p)
	}
	return data, nil
}

// exists says whether there is an object of that name.
func exists(ctx context.Context, c *KubeClient, resource, name string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	body, err := c.get(ctx, c.collection(resource)+"/"+url.PathEscape(name), nil)
	if hasStatus(err, http.StatusNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading %s %q: %w", resource, name, err)
	}
	// What was not read would keep the connection from being used again.
	_, err = io.Copy(io.Discard, body)
	return true, errors.Join(err, body.Close())
}
