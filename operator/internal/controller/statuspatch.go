package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

// statusPatch is a patch of the status of an object, from the state that it holds, which
// fails when that is out of date. The rest of the object is neither encoded nor compared.
type statusPatch struct{ live client.Object }

// Type implements client.Patch.
func (statusPatch) Type() types.PatchType { return types.MergePatchType }

// Data implements client.Patch. The object is to have a field Status. What differs of that
// is replaced, field by field.
func (p statusPatch) Data(after client.Object) ([]byte, error) {
	before, err := statusFields(p.live)
	if err != nil {
		return nil, err
	}
	fields, err := statusFields(after)
	if err != nil {
		return nil, err
	}
	for name, value := range before {
		switch now, there := fields[name]; {
		case !there:
			fields[name] = json.RawMessage("null")
		case bytes.Equal(now, value):
			delete(fields, name)
		}
	}
	return encodeStatusPatch(p.live, fields)
}

func statusFields(object client.Object) (fields map[string]json.RawMessage, err error) {
	data, err := json.Marshal(reflect.ValueOf(object).Elem().FieldByName("Status").Interface())
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	if err != nil {
		return nil, fmt.Errorf("encoding the status of %T %s: %w", object, client.ObjectKeyFromObject(object), err)
	}
	return fields, nil
}

// encodeStatusPatch returns the patch that replaces fields of the object's status, unless
// there is a newer version.
func encodeStatusPatch[T any](object client.Object, fields map[string]T) ([]byte, error) {
	return json.Marshal(map[string]any{
		"metadata": map[string]string{"resourceVersion": object.GetResourceVersion()},
		"status":   fields,
	})
}

// writeStatus brings the status of an object up to date. merge returns the object
// as it is to be, and false when nothing changes.
func writeStatus[T client.Object](ctx context.Context, opts *Options, kind string, live T, merge func(T) (T, bool)) error {
	key := client.ObjectKeyFromObject(live)
	for range statusAttempts {
		after, changed := merge(live)
		if !changed {
			return nil
		}
		err := patchStatus(ctx, opts, live, after)
		opts.Metrics.Status(kind, resultOf(err))
		if err == nil {
			return nil
		}
		if !apierrors.IsConflict(err) {
			return ignoreGone(err, kind, key)
		}
		live = reflect.New(reflect.TypeOf(live).Elem()).Interface().(T)
		if err := opts.Live.Get(ctx, key, live); err != nil {
			return ignoreGone(err, kind, key)
		}
	}
	return fmt.Errorf("writing the status of %s %s: %w", kind, key, errUnfinished)
}

// patchStatus gives an object the status of after, unless there is a version newer than
// live. Of what it is then, after has the version.
func patchStatus(ctx context.Context, opts *Options, live, after client.Object) error {
	patch, err := statusPatch{live}.Data(after)
	if err != nil {
		return err
	}
	answer, err := sendStatusPatch(ctx, opts, live, patch)
	if err == nil {
		after.SetResourceVersion(answer.GetResourceVersion())
	}
	return err
}

// sendStatusPatch returns the object's metadata as they are then. The rest of the object is
// not sent back, and nothing of it decoded.
func sendStatusPatch(ctx context.Context, opts *Options, object client.Object, patch []byte) (client.Object, error) {
	gvk, err := apiutil.GVKForObject(object, opts.Client.Scheme())
	if err != nil {
		return nil, err
	}
	after := &metav1.PartialObjectMetadata{}
	after.SetGroupVersionKind(gvk)
	after.Namespace, after.Name = object.GetNamespace(), object.GetName()
	return after, opts.Client.Status().Patch(ctx, after, client.RawPatch(types.MergePatchType, patch), StatusManager)
}
