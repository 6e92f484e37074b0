package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

// restart is what the end of the operator's pod brought.
type restart struct {
	// ready is the time from the deletion until the next pod was ready, and
	// following until that heard of every proxy.
	ready, following time.Duration
	// spent is all that the new process used until it was quiet.
	spent usage
}

// restart has the operator end as for a new version, once it has written all that there
// was to write: what it was about to, the next process would have to.
func (b *bench) restart(ctx context.Context) error {
	if _, err := b.quiet(ctx); err != nil {
		return err
	}
	old, err := b.OperatorPod(ctx)
	if err != nil {
		return err
	}
	had, err := b.gatewaysByUID(ctx)
	if err != nil {
		return err
	}
	before, err := b.usage(ctx)
	if err != nil {
		return err
	}
	start := time.Now()
	if err := b.Client.Delete(ctx, old); err != nil {
		return err
	}
	r := &b.results.restart
	err = client.Poll(ctx, func(ctx context.Context) error {
		pod, err := b.OperatorPod(ctx)
		if err != nil {
			return err
		}
		if pod.UID == old.UID || !podReady(pod) {
			return errors.New("the next pod is not ready")
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.ready = time.Since(start)
	err = client.Poll(ctx, func(ctx context.Context) error {
		now, err := b.usage(ctx)
		if err == nil && now.reporting < before.reporting {
			err = fmt.Errorf("%v of %v proxies are heard of", now.reporting, before.reporting)
		}
		return err
	})
	if err != nil {
		return err
	}
	r.following = time.Since(start)
	if r.spent, err = b.quiet(ctx); err != nil {
		return err
	}
	return b.tellOfChanged(ctx, had)
}

// gatewaysByUID returns all Gateways as they are.
func (b *bench) gatewaysByUID(ctx context.Context) (map[types.UID]*gatewayv1.Gateway, error) {
	var list gatewayv1.GatewayList
	if err := b.Client.List(ctx, &list); err != nil {
		return nil, err
	}
	by := make(map[types.UID]*gatewayv1.Gateway, len(list.Items))
	for i := range list.Items {
		by[list.Items[i].UID] = &list.Items[i]
	}
	return by, nil
}

// tellOfChanged names the Gateways that were written since, with what their statuses were
// and are: it is what a needless write has to be explained by.
func (b *bench) tellOfChanged(ctx context.Context, had map[types.UID]*gatewayv1.Gateway) error {
	has, err := b.gatewaysByUID(ctx)
	if err != nil {
		return err
	}
	for uid, now := range has {
		was := had[uid]
		if was == nil || was.ResourceVersion == now.ResourceVersion {
			continue
		}
		before, err := json.Marshal(was.Status)
		if err != nil {
			return err
		}
		after, err := json.Marshal(now.Status)
		if err != nil {
			return err
		}
		b.tell(fmt.Sprintf("Gateway %s/%s was written, its status was\n%s\nand is\n%s", now.Namespace, now.Name, before, after))
	}
	return nil
}
