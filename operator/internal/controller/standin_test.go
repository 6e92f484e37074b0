package controller

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/operator/internal/conditions"
)

// Beside a route that panics, what changes of the others is served as it is without it:
// other endpoints, and another route.
func TestOthersChangeBesideACulprit(t *testing.T) {
	c := settledCrowd(t, 300)
	c.breakRoutes(map[int]string{17: "a bug"})
	c.change(17, 1)
	for range 3 {
		c.look(t)
		c.settle()
	}
	serves := func(text string) bool { return strings.Contains(textOf(t, c.work.plan.config), text) }
	for _, change := range []struct {
		what, now string
		make      func()
	}{
		{"endpoint", "10.8.0.42", func() { c.move(42, 7) }},
		{"route", `"/777"`, func() { c.change(43, 777) }},
	} {
		if serves(change.now) {
			t.Fatalf("%s is there before", change.now)
		}
		change.make()
		c.look(t)
		if !serves(change.now) {
			t.Errorf("another %s is there, and %s is not in the configuration", change.what, change.now)
		}
	}
}

// A route that did not change may translate all the same later, as what it refers to was
// the cause: it is served then, and not what stood in for it.
func TestACulpritThatMendsByItselfIsServed(t *testing.T) {
	for what, change := range map[string]func(c *crowd){
		"nothing":       func(*crowd) {},
		"another route": func(c *crowd) { c.change(1, 2) },
		"all is read":   func(c *crowd) { c.put(base()[1]) },
	} {
		c := settledCrowd(t, 2)
		build := c.gateways.opts.Translate
		c.breakRoutes(map[int]string{0: "a bug"})
		c.change(0, 1)
		for range 3 {
			c.look(t)
			c.settle()
		}
		c.gateways.opts.Translate = build
		c.gateways.culprits.expire(c.gateway)
		change(c)
		c.look(t)
		c.settle()
		rules := c.work.plan.config.Routes[0].Rules
		if len(rules) == 0 || len(rules[0].Backends) == 0 {
			t.Errorf("%s: what is served of it are the rules %+v", what, rules)
		}
		if got := c.accepted(crowdRoute(0)).Reason; got != "Accepted" {
			t.Errorf("%s: it is said to be %s", what, got)
		}
	}
}

// expire has all culprits of a Gateway tried again.
func (c *culprits) expire(gateway types.NamespacedName) {
	for i := range c.found[gateway] {
		c.found[gateway][i].until = time.Time{}.Add(1)
	}
}

// accepted is what a route says of its only parent.
func (c *crowd) accepted(name types.NamespacedName) metav1.Condition {
	live, _, _ := c.of(&gatewayv1.HTTPRoute{}).GetByKey(name.String())
	said := conditions.Find(live.(*gatewayv1.HTTPRoute).Status.Parents[0].Conditions, string(gatewayv1.RouteConditionAccepted))
	if said == nil {
		return metav1.Condition{}
	}
	return *said
}

// Whatever changes beside routes that panic, come to panic or are mended, what a look makes
// of it is what it would make of it if nothing was remembered.
func TestWhatIsRememberedBesideCulprits(t *testing.T) {
	const routes = 6
	rapid.Check(t, func(r *rapid.T) {
		c, broken, generation := settledCrowd(t, routes), make(map[int]string), 0
		c.breakRoutes(broken)
		change := func(i int) {
			generation++
			c.change(i, generation)
		}
		steps := map[string]func(i int){
			"route":          change,
			"endpoint":       func(i int) { generation++; c.move(i, generation) },
			"everything":     func(int) { c.put(base()[1]) },
			"break":          func(i int) { broken[i] = "a bug"; change(i) },
			"mend":           func(i int) { delete(broken, i); change(i) },
			"break unheard":  func(i int) { broken[i] = "a bug"; c.gateways.culprits.expire(c.gateway) },
			"mend unheard":   func(i int) { delete(broken, i); c.gateways.culprits.expire(c.gateway) },
			"break again":    func(i int) { broken[i] = "another bug"; c.gateways.culprits.expire(c.gateway) },
			"try them again": func(int) { c.gateways.culprits.expire(c.gateway) },
		}
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			for range rapid.IntRange(1, 3).Draw(r, "at once") {
				step := rapid.SampledFrom(slices.Sorted(maps.Keys(steps))).Draw(r, "step")
				steps[step](rapid.IntRange(0, routes-1).Draw(r, "route"))
			}
			for range 2 {
				c.look(t)
				c.settle()
			}
			w := c.work
			fresh := makePlan(c.gateways.opts.Translate, &memory{}, standIn(w.resources, w.culprits), w.opts.Graph, w.opts.Settings)
			if diff := cmp.Diff(textOf(t, fresh.config), textOf(t, w.plan.config)); diff != "" {
				r.Fatalf("(-afresh +remembered):\n%s", diff)
			}
			for i := range routes {
				says := c.accepted(crowdRoute(i))
				text, is := broken[i]
				if is != (says.Reason == "InternalError") || !strings.Contains(says.Message, text) {
					r.Fatalf("of route %d, broken by %q, it is said: %s: %s", i, text, says.Reason, says.Message)
				}
			}
		}
	})
}

func textOf(t *testing.T, config proxyconfig.Config) string {
	t.Helper()
	text, err := json.MarshalIndent(config, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
