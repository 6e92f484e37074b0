package cluster

import (
	"reflect"
	"sync"

	toolscache "k8s.io/client-go/tools/cache"
)

// sharer has what many cached objects say in the same words lie in memory once: the
// reason of a condition, the name of a namespace, the pointer to a kind. Each is decoded
// anew with every object that says it, and there may be tens of thousands of these.
// It is safe for concurrent use.
type sharer struct {
	mu       sync.Mutex
	texts    frequent[string, string]
	pointers frequent[any, reflect.Value]
}

func newSharer() *sharer {
	return &sharer{texts: newFrequent[string, string](), pointers: newFrequent[any, reflect.Value]()}
}

// after returns a transformation with what it leaves of an object shared: nobody may
// change anything of it any more, but in a copy.
func (s *sharer) after(transform toolscache.TransformFunc) toolscache.TransformFunc {
	return func(in any) (any, error) {
		out, err := transform(in)
		if v := reflect.ValueOf(out); err == nil && v.Kind() == reflect.Pointer && !v.IsNil() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.share(v.Elem())
		}
		return out, err
	}
}

// share goes through a value that can be set, but for maps and bytes.
func (s *sharer) share(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if text := v.String(); text != "" {
			v.SetString(s.texts.of(text, text))
		}
	case reflect.Pointer:
		s.sharePointer(v)
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Field(i); field.CanSet() {
				s.share(field)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		for i := range v.Len() {
			s.share(v.Index(i))
		}
	}
}

// sharePointer shares a pointer to a plain value, and else what it leads to.
func (s *sharer) sharePointer(v reflect.Value) {
	if v.IsNil() {
		return
	}
	switch v.Elem().Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int32, reflect.Int64:
		// Of what has a type of its own, the type is part of the key.
		v.Set(s.pointers.of(v.Elem().Interface(), v))
	default:
		s.share(v.Elem())
	}
}

// How many values a frequent remembers. Past that it forgets them, which costs no more
// than that those which come next are not shared with the ones before.
const (
	mostOnce  = 1 << 12
	mostOften = 1 << 14
)

// frequent keeps values of which there are many that are equal. Most, such as the names
// of objects, come once or twice and are not kept.
type frequent[K comparable, V any] struct {
	once  map[K]struct{}
	often map[K]V
}

func newFrequent[K comparable, V any]() frequent[K, V] {
	return frequent[K, V]{once: make(map[K]struct{}), often: make(map[K]V)}
}

// of returns the value to use for all with the key: the one of the second time.
func (f frequent[K, V]) of(key K, value V) V {
	if shared, known := f.often[key]; known {
		return shared
	}
	if _, again := f.once[key]; !again {
		if len(f.once) >= mostOnce {
			clear(f.once)
		}
		f.once[key] = struct{}{}
		return value
	}
	if len(f.often) >= mostOften {
		clear(f.often)
	}
	f.often[key] = value
	return value
}
