package cluster

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Who reads a kind that has just gone, and with it what was cached of it, is told so at once.
func TestAKindThatNobodyWatchesIsNotWaitedFor(t *testing.T) {
	scheme, err := NewScheme()
	if err != nil {
		t.Fatal(err)
	}
	gateways := schema.GroupVersion(gatewayv1.GroupVersion).WithKind("Gateway")
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(gateways, meta.RESTScopeNamespace)
	options := CacheOptions(nil)
	options.Scheme, options.Mapper, options.HTTPClient, options.ByObject = scheme, mapper, http.DefaultClient, nil
	objects, err := cache.New(&rest.Config{Host: "127.0.0.1:1"}, options)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = objects.Start(t.Context()) }()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var missing *cache.ErrResourceNotCached
	if err := objects.Get(ctx, client.ObjectKey{Namespace: "shop", Name: "web"}, &gatewayv1.Gateway{}); !errors.As(err, &missing) {
		t.Errorf("reading an object: %v", err)
	}
	if err := objects.List(ctx, &gatewayv1.GatewayList{}); !errors.As(err, &missing) {
		t.Errorf("reading a list: %v", err)
	}
}
