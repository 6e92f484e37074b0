package listener

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

func TestFilters(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Gone", "1")
			w.Header().Set("X-Set", "backend")
			fmt.Fprintf(w, "%s %s|%s|%s|%s|%s", r.Host, r.RequestURI, r.Header.Get("X-Set"), r.Header.Get("X-Gone"), strings.Join(r.Header["X-Add"], ","), r.Header.Get("X-Forwarded-Host"))
		})
		c := to(addr)
		edits := &proxyconfig.HeaderEdits{
			Set:    []proxyconfig.Header{{Name: "X-Set", Value: "rule"}},
			Add:    []proxyconfig.Header{{Name: "X-Add", Value: "rule"}},
			Remove: []string{"X-Gone"},
		}
		perRef := &proxyconfig.HeaderEdits{Add: []proxyconfig.Header{{Name: "X-Add", Value: "ref"}}}
		r := rule("/old", ref("b"))
		r.Filters = []proxyconfig.Filter{
			{Type: proxyconfig.FilterRequestHeaders, Headers: edits},
			{Type: proxyconfig.FilterResponseHeaders, Headers: edits},
			{Type: proxyconfig.FilterRewrite, Rewrite: &proxyconfig.Rewrite{Hostname: "inner", Path: &proxyconfig.PathRewrite{Type: proxyconfig.ReplacePrefixMatch, Value: "/new"}}},
		}
		r.Backends[0].Filters = []proxyconfig.Filter{
			{Type: proxyconfig.FilterRequestHeaders, Headers: perRef},
			{Type: proxyconfig.FilterResponseHeaders, Headers: perRef},
		}
		c.Routes = []proxyconfig.Route{route("r", r)}
		p := start(t, settings{driver: d}, c)
		req, _ := http.NewRequest("GET", p.url("/old/x?q"), nil)
		req.Host = "outer"
		for _, name := range []string{"X-Set", "X-Gone", "X-Add"} {
			req.Header.Set(name, "client")
		}
		resp, body := do(t, client(t), req)
		if want := "inner /new/x?q|rule||client,rule,ref|outer"; body != want {
			t.Errorf("got %s, want %s", body, want)
		}
		if h := resp.Header; h.Get("X-Set") != "rule" || h.Get("X-Gone") != "" || strings.Join(h["X-Add"], ",") != "rule,ref" {
			t.Errorf("got response fields %v", h)
		}
	})
}

func TestWeights(t *testing.T) {
	onDrivers(t, func(t *testing.T, d Driver) {
		c := to()
		c.Backends = nil
		var refs []proxyconfig.BackendRef
		for _, name := range []string{"a", "b", "none"} {
			_, addr := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, name) })
			if name != "none" {
				c.Backends = append(c.Backends, backendAt(name, addr))
				refs = append(refs, ref(name))
			}
		}
		refs[0].Weight, refs[1].Weight = 6, 3
		c.Routes = []proxyconfig.Route{route("r", rule("/", append(refs, proxyconfig.BackendRef{Weight: 1})...))}
		p := start(t, settings{driver: d}, c)
		got := map[string]int{}
		cl := client(t)
		for range 1000 {
			resp, body := fetch(t, cl, "GET", p.url("/"), nil)
			if resp.StatusCode == 500 {
				body = "500"
			}
			got[body]++
		}
		for body, want := range map[string]int{"a": 600, "b": 300, "500": 100} {
			if n := got[body]; n < want*9/10 || n > want*11/10 {
				t.Errorf("%s: got %d, want about %d", body, n, want)
			}
		}
	})
}
