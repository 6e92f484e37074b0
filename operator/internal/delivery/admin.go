package delivery

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
)

// Admin returns the credentials of the fleet's admin ports from the Secret of
// the given name. It creates them when there are none, and replaces the
// certificate when it is about to expire or not for the name. It returns a
// *ForeignError when the Secret is not the owner's.
func (w *Writer) Admin(ctx context.Context, owner apply.Owner, name, serverName string) (*Admin, error) {
	key := types.NamespacedName{Namespace: owner.Namespace, Name: name}
	if known := w.knownAdmin(ctx, owner, key); known != nil {
		return known, nil
	}
	s := w.secretWrite(ctx, owner, name)
	live, err := s.read()
	switch {
	case err != nil:
		return nil, err
	case live.ResourceVersion != "" && !owner.Owns(live):
		return nil, foreign("Secret", live)
	}
	if found := admin(serverName, w.opts.Now(), live.Data); found != nil && marked(live, owner) {
		known := w.secretMemory(owner.NamespacedName, name)
		w.locked(func() { known.set(live.UID, live.ResourceVersion, digest(live.Data), w.opts.Now()) })
		return w.keepAdmin(owner, found), nil
	}
	data, err := issue(serverName, w.opts.Now(), live.Data)
	if err != nil {
		return nil, fmt.Errorf("making the credentials of %s: %w", key, err)
	}
	s.want(data)
	if _, err := s.store(func() (*corev1.Secret, error) { return live, nil }); err != nil {
		return nil, err
	}
	return w.keepAdmin(owner, admin(serverName, w.opts.Now(), data)), nil
}

func (w *Writer) keepAdmin(owner apply.Owner, found *Admin) *Admin {
	m := w.memory(owner.NamespacedName)
	w.locked(func() { m.admin = found })
	return found
}

// knownAdmin returns the credentials that were read last, unless the Secret has
// changed since or it is time to renew them.
func (w *Writer) knownAdmin(ctx context.Context, owner apply.Owner, key types.NamespacedName) *Admin {
	seen := &metav1.PartialObjectMetadata{}
	seen.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	if err := w.opts.Client.Get(ctx, key, seen); err != nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	m := w.fleets[owner.NamespacedName]
	if m == nil || m.admin == nil || m.secrets[key.Name] == nil {
		return nil
	}
	if !m.secrets[key.Name].covers(seen, w.opts.Now()) || !w.opts.Now().Before(m.admin.RenewAt) {
		return nil
	}
	return m.admin
}
