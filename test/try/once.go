package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// tenants are those of the sample.
var tenants = []string{"tenant-a", "tenant-b"}

// check plays the whole story once.
func check(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "try-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := startBackends(o, "127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer b.stop()
	s, err := newSession(o, b, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	st := &story{session: s, ctx: ctx, began: time.Now()}
	for _, step := range []struct {
		name string
		run  func() error
	}{
		{"both-gateways-are-programmed", st.programmed},
		{"each-tenant-sees-its-own-split", st.split},
		{"an-edited-route-takes-effect", st.edited},
		{"a-broken-file-disturbs-nothing", st.broken},
		{"a-missing-service-is-named", st.missing},
		{"the-sensor-has-counted-every-request", st.measured},
		{"a-removed-gateway-is-drained", st.removed},
		{"nothing-is-left-at-the-end", st.stopped},
	} {
		start := time.Now()
		if err := step.run(); err != nil {
			fmt.Printf("--- FAIL: %s (%.2fs)\n", step.name, time.Since(start).Seconds())
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Printf("--- PASS: %s (%.2fs)\n", step.name, time.Since(start).Seconds())
	}
	return nil
}

// story is what the steps share.
type story struct {
	*session
	ctx   context.Context
	began time.Time
	// a and b are the tenants' Gateways, once they are programmed.
	a, b gateway
}

func (st *story) programmed() error {
	err := st.until(st.ctx, "both Gateways are programmed", func(t table) bool {
		return t.programmed(tenants[0]) && t.programmed(tenants[1]) && len(t.Troubles) == 0 && len(t.Unread) == 0
	})
	if err != nil {
		return err
	}
	last, _ := st.table()
	st.a, _ = last.find(tenants[0])
	st.b, _ = last.find(tenants[1])
	fmt.Printf("measured: two Gateways are programmed %d ms after the start, at %s and %s\n",
		time.Since(st.began).Milliseconds(), st.a.Address, st.b.Address)
	for _, note := range last.Notes {
		fmt.Println("note:", note)
	}
	return nil
}

// splitRequests are enough to tell 90/10 from anything else by far.
const splitRequests = 1000

func (st *story) split() error {
	for _, g := range []gateway{st.a, st.b} {
		result := ask(st.ctx, g, splitRequests)
		fmt.Printf("measured: %s: %v of %s\n", g.Namespace, result.Classes, result)
		v1 := result.Classes[g.Namespace+" v1"]
		if v2 := result.Classes[g.Namespace+" v2"]; result.Failed > 0 || v1+v2 != splitRequests || v1 < 850 || v1 > 950 {
			return fmt.Errorf("%s: want 90/10 of its own route and no failure", g.Namespace)
		}
	}
	return nil
}

// edited turns all of tenant a's requests to v2 while both tenants' traffic
// runs, and measures from the write of the file to the first moment from which
// no v1 is seen any more.
func (st *story) edited() error {
	b := stream(st.ctx, st.b)
	err := st.turn()
	inBetween := b.Stop()
	if err != nil {
		return err
	}
	if inBetween.Failed > 0 || inBetween.Classes["tenant-b v1"] == 0 {
		return fmt.Errorf("tenant-b was disturbed: %s, %v", inBetween, inBetween.Classes)
	}
	fmt.Printf("measured: the other tenant meanwhile: %s\n", inBetween)
	return nil
}

func (st *story) turn() error {
	if err := st.edit("2-tenant-a.yaml", "weight: 90", "weight: 0"); err != nil {
		return err
	}
	wrote := time.Now()
	// With one of ten requests to v2 before, fifty in a row are no accident.
	const row = 50
	for since, streak := time.Now(), 0; streak < row; {
		if time.Since(wrote) > patience {
			return errors.New("version v1 is still served")
		}
		result := ask(st.ctx, st.a, 1)
		switch {
		case result.Failed > 0:
			return fmt.Errorf("tenant-a: %s", result)
		case result.Classes["tenant-a v2"] == 1:
			streak++
		default:
			since, streak = time.Now(), 0
		}
		if streak == row {
			fmt.Printf("measured: the edit took effect within %d ms of the write\n", since.Sub(wrote).Milliseconds())
		}
	}
	return nil
}

func (st *story) broken() error {
	a, b := stream(st.ctx, st.a), stream(st.ctx, st.b)
	err := st.breakAndMend()
	for _, run := range []struct {
		g gateway
		*runs
	}{{st.a, a}, {st.b, b}} {
		result := run.Stop()
		fmt.Printf("measured: %s meanwhile: %s\n", run.g.Namespace, result)
		if result.Failed > 0 || result.Requests == 0 {
			err = errors.Join(err, fmt.Errorf("%s was disturbed", run.g.Namespace))
		}
	}
	return err
}

func (st *story) breakAndMend() error {
	if err := st.edit("2-tenant-a.yaml", "port: 8080", "prot: 8080"); err != nil {
		return err
	}
	err := st.until(st.ctx, "the misspelt field is named", func(t table) bool {
		return strings.Contains(strings.Join(t.Unread, "\n"), "2-tenant-a.yaml document 1 (Gateway tenant-a/web) spec.listeners[0].prot: unknown field")
	})
	if err != nil {
		return err
	}
	if err := st.edit("2-tenant-a.yaml", "kind: HTTPRoute", "kind: [HTTPRoute"); err != nil {
		return err
	}
	err = st.until(st.ctx, "the broken YAML is named", func(t table) bool {
		return strings.Contains(strings.Join(t.Unread, "\n"), "2-tenant-a.yaml document 2")
	})
	if err != nil {
		return err
	}
	if err := errors.Join(
		st.edit("2-tenant-a.yaml", "prot: 8080", "port: 8080"),
		st.edit("2-tenant-a.yaml", "kind: [HTTPRoute", "kind: HTTPRoute"),
	); err != nil {
		return err
	}
	return st.until(st.ctx, "all is well again", func(t table) bool {
		return len(t.Unread) == 0 && len(t.Troubles) == 0 && t.programmed(tenants[0])
	})
}

func (st *story) missing() error {
	if err := st.edit("2-tenant-b.yaml", "name: shop-v2\n      port", "name: shop-v3\n      port"); err != nil {
		return err
	}
	return st.until(st.ctx, "the missing Service is named", func(t table) bool {
		for _, trouble := range t.Troubles {
			if trouble.Object == "HTTPRoute tenant-b/shop" && trouble.Reason == "BackendNotFound" && strings.Contains(trouble.Message, "shop-v3") {
				return t.programmed(tenants[1])
			}
		}
		return false
	})
}

func (st *story) removed() error {
	if err := st.write("2-tenant-b.yaml", "# gone\n"); err != nil {
		return err
	}
	if err := st.until(st.ctx, "tenant b is gone", func(t table) bool { return len(t.Gateways) == 1 }); err != nil {
		return err
	}
	if err := refuses(st.b); err != nil {
		return err
	}
	result := ask(st.ctx, st.a, 100)
	if result.Failed > 0 {
		return fmt.Errorf("tenant-a: %s", result)
	}
	return nil
}

func (st *story) stopped() error {
	start := time.Now()
	if err := st.stop(); err != nil {
		return err
	}
	fmt.Printf("measured: all proxies are drained and gone %d ms after SIGTERM\n", time.Since(start).Milliseconds())
	return refuses(st.a)
}

// refuses waits until nobody listens at the Gateway's address any more.
func refuses(g gateway) error {
	for start := time.Now(); time.Since(start) < patience; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", net.JoinHostPort(g.Address, g.Ports[0]))
		if err != nil {
			return nil
		}
		conn.Close()
	}
	return fmt.Errorf("%s is still served", g.Address)
}
