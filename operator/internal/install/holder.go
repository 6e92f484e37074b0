package install

import (
	"context"
	"fmt"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// patience is how long the lease of another install has to stay as it is until that one
// counts as gone. An operator whose pod is replaced is back much earlier, and one that was
// cut off writes nothing any more once its lease is over, which is earlier still.
const patience = time.Minute

// shortPatience is the same for a lease that its holder has given back, or that is not
// there: an install that goes on has it again within a few seconds.
const shortPatience = 15 * time.Second

// sight is what was seen of another install's lease, and when for the first time. Only what
// was seen in each look since counts: while the API server is away, nobody can renew a lease.
type sight struct {
	holder, version string
	since           time.Time
}

// gone says whether the install that classes name is not there any more. Clocks of others
// are not trusted: a lease is old when it has not changed while this process looked.
func (c *Claim) gone(ctx context.Context, holder string) (bool, error) {
	name, uid, _ := strings.Cut(holder, "/")
	if name == "" {
		return true, nil
	}
	namespace := &corev1.Namespace{}
	err := c.opts.Live.Get(ctx, types.NamespacedName{Name: name}, namespace)
	if apierrors.IsNotFound(err) || err == nil && uid != "" && uid != string(namespace.UID) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("reading the namespace of another install: %w", err)
	}
	lease := &coordinationv1.Lease{}
	err = c.opts.Live.Get(ctx, types.NamespacedName{Namespace: name, Name: c.opts.Lease}, lease)
	if err != nil && !apierrors.IsNotFound(err) {
		return false, fmt.Errorf("reading the lease of another install: %w", err)
	}
	now, version := c.opts.Now(), lease.ResourceVersion
	if c.seen.holder != holder || c.seen.version != version {
		c.seen = sight{holder: holder, version: version, since: now}
	}
	wait := patience
	if holder := lease.Spec.HolderIdentity; holder == nil || *holder == "" {
		wait = shortPatience
	}
	return now.Sub(c.seen.since) >= wait, nil
}

func namespaceOf(holder string) string {
	name, _, _ := strings.Cut(holder, "/")
	return name
}
