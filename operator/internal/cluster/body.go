package cluster

import (
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
)

// body is an object in the binary form. The client of client-go would take new memory for
// each, twice what is sent.
type body struct{ bytes []byte }

// bodies are those that are not in use.
var bodies = sync.Pool{New: func() any { return &body{} }}

// binary writes the binary form of kinds that have one.
var binary = protobuf.NewSerializer(nil, nil)

// hasBinary says whether objects of a type have a binary form.
func hasBinary(object runtime.Object) bool {
	_, has := object.(interface {
		runtime.Object
		Size() int
		MarshalToSizedBuffer([]byte) (int, error)
	})
	return has
}

// encode returns an object as it is sent. The caller may give the body back when nobody
// reads it any more.
func encode(object runtime.Object, kind schema.GroupVersionKind) (*body, error) {
	of := object.GetObjectKind()
	defer of.SetGroupVersionKind(of.GroupVersionKind())
	of.SetGroupVersionKind(kind)
	b := bodies.Get().(*body)
	if err := binary.EncodeWithAllocator(object, b, b); err != nil {
		return nil, fmt.Errorf("encoding %s: %w", kind.Kind, err)
	}
	return b, nil
}

// Allocate implements runtime.MemoryAllocator.
func (b *body) Allocate(n uint64) []byte {
	if uint64(cap(b.bytes)) < n {
		// What is written again is mostly a little larger than before.
		b.bytes = make([]byte, n+n/8)
	}
	return b.bytes[:n]
}

// Write implements io.Writer for the serializer, which writes once, and what it was given
// by Allocate.
func (b *body) Write(p []byte) (int, error) {
	b.bytes = p
	return len(p), nil
}

func (b *body) giveBack() { bodies.Put(b) }
