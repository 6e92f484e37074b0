package agent

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// ErrNotAuthenticated says that a token is not one that the API server has
// issued for the agents, and to a pod.
var ErrNotAuthenticated = errors.New("the token is not valid for the node's agent")

// The claims of a token beyond the name of its ServiceAccount.
const (
	claimPodName = "authentication.kubernetes.io/pod-name"
	claimPodUID  = "authentication.kubernetes.io/pod-uid"
	claimNode    = "authentication.kubernetes.io/node-name"
)

const serviceAccountPrefix = "system:serviceaccount:"

// Identity is the pod that a token is bound to.
type Identity struct {
	Namespace, Pod, UID, Node string
}

// String names the pod, or says that it is not known.
func (i Identity) String() string {
	if i.UID == "" {
		return "unknown"
	}
	return i.Namespace + "/" + i.Pod
}

// Reviewer says which pod a token is bound to. It returns ErrNotAuthenticated
// for a token that is none, and another error if that cannot be found out. It
// is safe for concurrent use.
type Reviewer interface {
	Review(ctx context.Context, token string) (Identity, error)
}

// tokenReview is what the agent sends and reads of an object of that kind.
type tokenReview struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Spec       struct {
		Token     string   `json:"token"`
		Audiences []string `json:"audiences"`
	} `json:"spec"`
	Status struct {
		Authenticated bool     `json:"authenticated,omitempty"`
		Audiences     []string `json:"audiences,omitempty"`
		User          struct {
			Username string              `json:"username,omitempty"`
			Extra    map[string][]string `json:"extra,omitempty"`
		} `json:"user,omitzero"`
	} `json:"status,omitzero"`
}

// identity reads an answer. The audience is looked at as well: an API server
// that knows of none would take every token.
func (r *tokenReview) identity() (Identity, error) {
	status := &r.Status
	account, isAccount := strings.CutPrefix(status.User.Username, serviceAccountPrefix)
	namespace, _, named := strings.Cut(account, ":")
	if !status.Authenticated || !isAccount || !named || !slices.Contains(status.Audiences, probe.NodeAgentAudience) {
		return Identity{}, ErrNotAuthenticated
	}
	id := Identity{Namespace: namespace, Pod: r.claim(claimPodName), UID: r.claim(claimPodUID), Node: r.claim(claimNode)}
	if id.Pod == "" || id.UID == "" || id.Node == "" {
		return Identity{}, fmt.Errorf("%w: it is not bound to a pod on a node", ErrNotAuthenticated)
	}
	return id, nil
}

// claim returns the value of a claim that has exactly one.
func (r *tokenReview) claim(name string) string {
	if values := r.Status.User.Extra[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

// maxReview bounds the size of the API server's answer.
const maxReview = 1 << 20

// reviewTimeout bounds the time that the API server takes.
const reviewTimeout = 5 * time.Second

// APIServer reviews tokens by asking the API server.
type APIServer struct {
	url       string
	tokenPath string
	client    *http.Client
}

// NewAPIServer returns a Reviewer that asks the API server at the address, with
// the token and the authorities of the folder, as Kubernetes mounts it.
func NewAPIServer(address, folder string) (*APIServer, error) {
	authorities, err := os.ReadFile(filepath.Join(folder, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("reading the API server's authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authorities) {
		return nil, errors.New("the API server's authorities are none")
	}
	return &APIServer{
		url:       "https://" + address + "/apis/authentication.k8s.io/v1/tokenreviews",
		tokenPath: filepath.Join(folder, "token"),
		client: &http.Client{Timeout: reviewTimeout, Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
			DialContext:     (&net.Dialer{Timeout: reviewTimeout}).DialContext,
			IdleConnTimeout: time.Minute,
		}},
	}, nil
}

// Review implements Reviewer.
func (a *APIServer) Review(ctx context.Context, token string) (Identity, error) {
	review := tokenReview{APIVersion: "authentication.k8s.io/v1", Kind: "TokenReview"}
	review.Spec.Token, review.Spec.Audiences = token, []string{probe.NodeAgentAudience}
	body, err := json.Marshal(&review)
	if err != nil {
		return Identity{}, fmt.Errorf("encoding a review: %w", err)
	}
	// It is replaced long before its end, without any notice.
	own, err := os.ReadFile(a.tokenPath)
	if err != nil {
		return Identity{}, fmt.Errorf("reading own token: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, bytes.NewReader(body))
	if err != nil {
		return Identity{}, fmt.Errorf("asking for a review: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(own)))
	request.Header.Set("Content-Type", "application/json")
	response, err := a.client.Do(request)
	if err != nil {
		return Identity{}, fmt.Errorf("asking for a review: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxReview))
	if err != nil {
		return Identity{}, fmt.Errorf("reading a review: %w", err)
	}
	if response.StatusCode != http.StatusCreated && response.StatusCode != http.StatusOK {
		return Identity{}, fmt.Errorf("the API server answers a review with %s", response.Status)
	}
	var reviewed tokenReview
	if err := json.Unmarshal(answer, &reviewed); err != nil {
		return Identity{}, fmt.Errorf("reading a review: %w", err)
	}
	return reviewed.identity()
}
