package node

import (
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

	"github.com/fleetgate/fleetgate/test/cluster/internal/layout"
)

// probe returns nil once what it looks at is ready.
type probe func(context.Context) error

// httpOK succeeds when the URL answers 200. Certificates are not checked: the
// components make their own, and this never leaves the loopback interface.
func httpOK(url string) probe {
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	return func(ctx context.Context) error {
		_, err := get(ctx, client, url)
		return err
	}
}

// socketOpen succeeds when something listens at the Unix socket.
func socketOpen(path string) probe {
	return func(ctx context.Context) error {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// api asks the API server, as its administrator.
type api struct{ client *http.Client }

func newAPI() (*api, error) {
	certificate, err := tls.LoadX509KeyPair(keys+"/admin.crt", keys+"/admin.key")
	if err != nil {
		return nil, fmt.Errorf("reading the administrator's key: %w", err)
	}
	authority, err := os.ReadFile(keys + "/ca.crt")
	if err != nil {
		return nil, fmt.Errorf("reading the authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(authority) {
		return nil, errors.New("the authority's file has no certificate")
	}
	return &api{client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{
		Certificates: []tls.Certificate{certificate},
		RootCAs:      pool,
	}}}}, nil
}

func (a *api) get(ctx context.Context, path string) ([]byte, error) {
	return get(ctx, a.client, layout.APIServer+path)
}

func (a *api) ready(ctx context.Context) error {
	_, err := a.get(ctx, "/readyz")
	return err
}

func (a *api) exists(path string) probe {
	return func(ctx context.Context) error {
		_, err := a.get(ctx, path)
		return err
	}
}

func (a *api) nodeReady(ctx context.Context) error {
	// Only what is looked at: the API's Go types would double this program's
	// build time.
	var node struct {
		Status struct {
			Conditions []struct{ Type, Status string }
		}
	}
	if err := a.read(ctx, "/api/v1/nodes/"+layout.NodeName, &node); err != nil {
		return err
	}
	for _, c := range node.Status.Conditions {
		if c.Type == "Ready" && c.Status == "True" {
			return nil
		}
	}
	return errors.New("the node is not ready")
}

func (a *api) dnsReady(ctx context.Context) error {
	var deployment struct {
		Status struct{ ReadyReplicas int }
	}
	if err := a.read(ctx, "/apis/apps/v1/namespaces/kube-system/deployments/coredns", &deployment); err != nil {
		return err
	}
	if deployment.Status.ReadyReplicas == 0 {
		return errors.New("no replica is ready")
	}
	return nil
}

func (a *api) read(ctx context.Context, path string, into any) error {
	body, err := a.get(ctx, path)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}

func get(ctx context.Context, client *http.Client, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, response.Status)
	}
	return body, nil
}
