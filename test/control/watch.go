package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"
)

// follow hands every change of the objects of a list's kind on, from now to the
// end of the context, in the order in which the API server made them. The last
// argument of seen is when the change arrived. It returns once the watch is on;
// the caller must wait for the WaitGroup before he reads what seen has kept.
func (b *bench) follow(ctx context.Context, done *sync.WaitGroup, list ctrlclient.ObjectList, namespace string, seen func(watch.Event, time.Time)) error {
	watching, err := ctrlclient.NewWithWatch(b.Config(), ctrlclient.Options{Scheme: b.Cluster.Client.Scheme()})
	if err != nil {
		return err
	}
	if err := watching.List(ctx, list, ctrlclient.InNamespace(namespace)); err != nil {
		return err
	}
	from := &ctrlclient.ListOptions{Namespace: namespace, Raw: &metav1.ListOptions{ResourceVersion: list.GetResourceVersion()}}
	w, err := watching.Watch(ctx, list, from)
	if err != nil {
		return fmt.Errorf("watching %T: %w", list, err)
	}
	done.Go(func() {
		defer w.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case event, open := <-w.ResultChan():
				if !open {
					return
				}
				seen(event, time.Now())
			}
		}
	})
	return nil
}
