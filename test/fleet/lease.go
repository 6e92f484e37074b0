package main

import (
	"context"
	"errors"
	"strings"
	"sync"

	coordinationv1 "k8s.io/api/coordination/v1"
	toolscache "k8s.io/client-go/tools/cache"

	"github.com/fleetgate/fleetgate/test/cluster/client"
)

// leases counts the versions of the operator's lease, as a watch tells of them,
// by who held it.
type leases struct {
	mu     sync.Mutex
	counts map[string]int
	last   string
}

func (l *leases) handler() toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    l.saw,
		UpdateFunc: func(_, now any) { l.saw(now) },
	}
}

func (l *leases) saw(object any) {
	lease, is := object.(*coordinationv1.Lease)
	if !is || lease.Name != leaseName {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if lease.ResourceVersion != l.last {
		l.counts[holder(lease)]++
		l.last = lease.ResourceVersion
	}
}

// holder is the name of the pod that holds the lease.
func holder(lease *coordinationv1.Lease) string {
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	pod, _, _ := strings.Cut(*lease.Spec.HolderIdentity, "_")
	return pod
}

// upTo returns how often the pod wrote, once the version has been seen.
func (l *leases) upTo(ctx context.Context, pod, version string) (count int, err error) {
	err = client.Poll(ctx, func(context.Context) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		count = l.counts[pod]
		if l.last != version {
			return errors.New("the watch has not told of the lease yet")
		}
		return nil
	})
	return count, err
}
