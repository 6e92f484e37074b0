package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strings"
	"syscall"
	"time"

	"github.com/fleetgate/fleetgate/test/cluster/client"
	"github.com/fleetgate/fleetgate/test/internal/load"
)

func (d *demo) requests(ctx context.Context) error {
	for _, r := range []struct{ address, host, path string }{
		{d.addressA, host, "/cart?item=7"},
		{d.addressB, host, "/cart?item=7"},
		{d.addressA, "unknown.example.com", "/"},
	} {
		if err := d.curlSoon(ctx, r.address, r.host, r.path); err != nil {
			return err
		}
	}
	return nil
}

// nodeWithin is how long a node may take to lead a new address to its proxies.
const nodeWithin = 20 * time.Second

// curlSoon is curl for an address that may be new to the node, which refuses connections to
// it until it has heard of it.
func (d *demo) curlSoon(ctx context.Context, address, host, path string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, nodeWithin)
	defer cancel()
	late := client.Poll(ctx, func(ctx context.Context) error {
		if err = d.curl(ctx, address, host, path); errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		return nil
	})
	return cmp.Or(late, err)
}

// curl sends a request and prints it with its answer.
func (d *demo) curl(ctx context.Context, address, host, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		return err
	}
	req.Host = host
	resp, err := d.http.Do(req)
	if err != nil {
		return err
	}
	if address == d.addressA {
		d.sent++
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	fmt.Printf("$ curl -i -H 'Host: %s' http://%s%s\n%s %s\n", host, address, path, resp.Proto, resp.Status)
	names := make([]string, 0, len(resp.Header))
	for name := range resp.Header {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		fmt.Printf("%s: %s\n", name, strings.Join(resp.Header[name], ", "))
	}
	fmt.Printf("\n%s\n", body)
	return nil
}

func (d *demo) split(ctx context.Context) error {
	result := load.Start(ctx, load.Options{
		Client: d.http, URL: "http://" + d.addressA + "/", Host: host, Max: 1000,
		Classify: func(_ *http.Response, body []byte) string { return version(body) },
	}).Wait()
	d.sent += result.Requests
	fmt.Println(result)
	for _, v := range []string{"v1", "v2"} {
		fmt.Printf("%s answered %d\n", v, result.Classes[v])
	}
	if result.Failed > 0 || result.Classes["v1"] == 0 || result.Classes["v2"] == 0 {
		return fmt.Errorf("the split is not what the route says")
	}
	return nil
}

// version is the one that the echo backend says it has.
func version(body []byte) string {
	var answer struct {
		Version string `json:"version"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Version == "" {
		return "unreadable"
	}
	return answer.Version
}

// change sends all requests to version 2 from one moment to the next, and
// tells when the last answer of version 1 came.
func (d *demo) change(ctx context.Context) error {
	manifest, err := os.ReadFile(d.sample("tenant-a.yaml"))
	if err != nil {
		return err
	}
	changed := strings.NewReplacer("weight: 90", "weight: 0", "weight: 10", "weight: 100").Replace(string(manifest))
	begun := time.Now()
	if _, err := d.stack.Apply(ctx, []byte(changed)); err != nil {
		return err
	}
	applied := time.Now()
	lastOld := applied
	for time.Since(lastOld) < time.Second {
		old, err := d.once(ctx)
		if err != nil {
			return err
		}
		if old {
			lastOld = time.Now()
		}
	}
	fmt.Printf("The API server took the change after %d ms; the last answer of version 1 came %d ms after that.\n",
		applied.Sub(begun).Milliseconds(), lastOld.Sub(applied).Milliseconds())
	_, err = d.stack.Apply(ctx, manifest)
	return err
}

// once sends one request and reports whether version 1 answered it.
func (d *demo) once(ctx context.Context) (bool, error) {
	result := load.Start(ctx, load.Options{
		Client: d.http, URL: "http://" + d.addressA + "/", Host: host, Max: 1, Workers: 1,
		Classify: func(_ *http.Response, body []byte) string { return version(body) },
	}).Wait()
	d.sent++
	if result.Failed > 0 {
		return false, fmt.Errorf("a request failed: %s", result)
	}
	return result.Classes["v1"] == 1, nil
}
