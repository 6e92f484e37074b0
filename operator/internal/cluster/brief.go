package cluster

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// metadataAlone asks for no more of an object than its metadata, of every kind in the
// binary form.
const metadataAlone = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1," +
	"application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"

// brief is a client that creates and updates typed objects and has the API server answer
// with their metadata alone. The whole object comes by the watch of its kind anyway, and to
// decode it twice is a large part of what a new Gateway costs. All else is the client's that
// it stands before. It is safe for concurrent use.
type brief struct {
	client.Client
	config *rest.Config
	http   *http.Client
	mapper meta.RESTMapper
	scheme *runtime.Scheme
	codecs serializer.CodecFactory
	params runtime.ParameterCodec

	mu    sync.Mutex
	kinds map[schema.GroupVersionKind]*kind
}

// kind is where objects of one kind are written to.
type kind struct {
	rest.Interface
	mapping *meta.RESTMapping
}

// newBrief returns a brief before a client, for the kinds that NewScheme knows.
func newBrief(before client.Client, config *rest.Config, options client.Options) (*brief, error) {
	scheme, err := NewScheme()
	if err != nil {
		return nil, err
	}
	// The answers are of kinds that nobody writes.
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		return nil, fmt.Errorf("making a scheme: %w", err)
	}
	return &brief{
		Client: before, config: config, http: options.HTTPClient, mapper: options.Mapper,
		scheme: scheme, codecs: serializer.NewCodecFactory(scheme), params: runtime.NewParameterCodec(scheme),
		kinds: make(map[schema.GroupVersionKind]*kind),
	}, nil
}

// Create creates the object. Its metadata are then as the API server has them, the rest as
// it was sent.
func (b *brief) Create(ctx context.Context, object client.Object, opts ...client.CreateOption) error {
	if !typed(object) {
		return b.Client.Create(ctx, object, opts...)
	}
	k, err := b.kindOf(object)
	if err != nil {
		return err
	}
	options := (&client.CreateOptions{}).ApplyOptions(opts)
	return b.send(ctx, k, k.Post().VersionedParams(options.AsCreateOptions(), b.params), object)
}

// Update replaces the object, and is else like Create.
func (b *brief) Update(ctx context.Context, object client.Object, opts ...client.UpdateOption) error {
	if !typed(object) {
		return b.Client.Update(ctx, object, opts...)
	}
	k, err := b.kindOf(object)
	if err != nil {
		return err
	}
	options := (&client.UpdateOptions{}).ApplyOptions(opts)
	return b.send(ctx, k, k.Put().Name(object.GetName()).VersionedParams(options.AsUpdateOptions(), b.params), object)
}

func typed(object client.Object) bool {
	_, plain := object.(runtime.Unstructured)
	_, partial := object.(*metav1.PartialObjectMetadata)
	return !plain && !partial
}

func (b *brief) send(ctx context.Context, k *kind, request *rest.Request, object client.Object) error {
	request = request.
		NamespaceIfScoped(object.GetNamespace(), k.mapping.Scope.Name() != meta.RESTScopeNameRoot).
		Resource(k.mapping.Resource.Resource).
		SetHeader("Accept", metadataAlone)
	if !hasBinary(object) {
		return b.answered(ctx, request.Body(object), object)
	}
	body, err := encode(object, k.mapping.GroupVersionKind)
	if err != nil {
		return err
	}
	err = b.answered(ctx, request.SetHeader("Content-Type", runtime.ContentTypeProtobuf).Body(body.bytes), object)
	if err == nil {
		// Who has accepted it has read it to its end, which cannot be said of an error.
		body.giveBack()
	}
	return err
}

// answered sends a request, and puts the metadata of the answer into an object.
func (b *brief) answered(ctx context.Context, request *rest.Request, object client.Object) error {
	answer := &metav1.PartialObjectMetadata{}
	if err := request.Do(ctx).Into(answer); err != nil {
		return err
	}
	into, err := meta.Accessor(object)
	if err != nil {
		return err
	}
	*into.(metav1.ObjectMetaAccessor).GetObjectMeta().(*metav1.ObjectMeta) = answer.ObjectMeta
	return nil
}

func (b *brief) kindOf(object client.Object) (*kind, error) {
	gvk, err := apiutil.GVKForObject(object, b.scheme)
	if err != nil {
		return nil, fmt.Errorf("finding the kind of %T: %w", object, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.kinds[gvk]; known != nil {
		return known, nil
	}
	mapping, err := b.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, err
	}
	target, err := apiutil.RESTClientForGVK(gvk, false, false, b.config, b.codecs, b.http)
	if err != nil {
		return nil, fmt.Errorf("making the client of %s: %w", gvk.Kind, err)
	}
	b.kinds[gvk] = &kind{target, mapping}
	return b.kinds[gvk], nil
}
