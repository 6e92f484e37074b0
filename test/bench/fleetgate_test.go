package main

import (
	"testing"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// The proxy must take the document as it is, or the peers would race against
// error answers.
func TestFleetgateConfigIsADocumentOfManyRoutes(t *testing.T) {
	s := siteOf(t.TempDir(), engine{number: 1})
	data, _, err := proxyconfig.Encode(benchGateway, 1, fleetgateConfig(s, ""))
	if err != nil {
		t.Fatal(err)
	}
	_, c, _, err := proxyconfig.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if problems := proxyconfig.Validate(c); len(problems) > 0 {
		t.Errorf("got problems %v", problems)
	}
	hosts := map[string]bool{}
	for _, r := range c.Routes {
		if r.Attachments[0].Listener == httpListener {
			hosts[r.Attachments[0].Hostnames[0]] = true
		}
	}
	if len(hosts) != routeCount || !hosts[host] {
		t.Errorf("got %d hosts, of which %s is %v", len(hosts), host, hosts[host])
	}
}
