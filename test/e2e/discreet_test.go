package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// discreet has a client send what is nobody else's business, and looks for that, and for the
// key of the Gateway's certificate, in the logs of all that runs for it.
func (m *monitored) discreet(t *testing.T) {
	const private, request = "opensesame", "a-request-to-find"
	http1 := cluster.HTTPClient()
	if _, err := m.get(t.Context(), http1, "shop.example.com", "/?password="+private); err != nil {
		t.Fatal(err)
	}
	_, err := m.ask(t.Context(), http1, question{host: "shop.example.com", fields: map[string]string{
		"X-Request-Id": request, "Authorization": "Bearer " + private, "Cookie": "session=" + private,
	}})
	if err != nil {
		t.Fatal(err)
	}
	logs := ""
	wait(t, func(ctx context.Context) error {
		logs = ""
		for _, of := range [][]string{
			{"-n", m.namespace, "-l", "gateway.networking.k8s.io/gateway-name=web", "--all-containers"},
			{"-n", "fleetgate-system", "deployment/fleetgate-controller-manager"},
		} {
			out, err := cluster.Kubectl(ctx, append([]string{"logs", "--tail=-1"}, of...)...)
			if err != nil {
				return err
			}
			logs += string(out)
		}
		if !strings.Contains(logs, request) {
			return fmt.Errorf("request %s is not in the access log", request)
		}
		return nil
	})
	key := strings.Split(string(m.certificate.key), "\n")[1]
	for what, secret := range map[string]string{"password, token or cookie": private, "key": key} {
		if strings.Contains(logs, secret) {
			t.Errorf("the %s of a client or certificate is logged", what)
		}
	}
	t.Logf("measured: %d bytes of logs have no secret", len(logs))
}
