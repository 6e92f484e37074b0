package delivery

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/operator/internal/names"
)

// rereadAgent is how often the agents' Secret is read, at most, in case that somebody
// else has replaced it.
const rereadAgent = 10 * time.Minute

// retryAgent is the pause after an error.
const retryAgent = 10 * time.Second

// NodeAgent keeps the certificate that all nodes' agents present, in a Secret of the
// operator's namespace that they mount. It is safe for concurrent use.
type NodeAgent struct {
	opts Options
	key  types.NamespacedName

	mu    sync.Mutex
	read  time.Time
	known Authorities
}

// Authorities are the certificates that agents may present.
type Authorities struct {
	// PEM has all of them.
	PEM string
	// RenewAt is when there is to be another one.
	RenewAt time.Time
}

// NewNodeAgent returns the keeper for agents in the namespace. It does nothing until it
// is asked.
func NewNodeAgent(opts Options, namespace string) *NodeAgent {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &NodeAgent{opts: opts, key: types.NamespacedName{Namespace: namespace, Name: names.NodeAgentSecret}}
}

// Authorities returns the certificates that the agents may present, and what was known
// of them if they cannot be read. It makes the Secret when there is none, and a new
// certificate when the one in it is about to expire. The previous certificate stays an
// authority, as agents take their time to see a new one; a sensor that meets the new one
// before it knows it does without an agent for that while.
func (a *NodeAgent) Authorities(ctx context.Context) (Authorities, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.opts.Now()
	if a.known.PEM != "" && now.Sub(a.read) < rereadAgent && now.Before(a.known.RenewAt) {
		return a.known, nil
	}
	live := &corev1.Secret{}
	err := a.opts.Live.Get(ctx, a.key, live)
	missing := apierrors.IsNotFound(err)
	if err != nil && !missing {
		return a.known, fmt.Errorf("reading Secret %s: %w", a.key, err)
	}
	renewAt, serves := servesAgents(live.Data, now)
	if !serves {
		if err := a.renew(ctx, live, missing, now); err != nil {
			return a.known, err
		}
		renewAt, _ = servesAgents(live.Data, now)
	}
	a.known, a.read = Authorities{PEM: string(live.Data[keyAuthorities]), RenewAt: renewAt}, now
	return a.known, nil
}

// Start implements manager.Runnable: it keeps the Secret until ctx ends, so that the
// agents start before there is any Gateway.
func (a *NodeAgent) Start(ctx context.Context) error {
	for {
		pause := rereadAgent
		if _, err := a.Authorities(ctx); err != nil {
			if ctx.Err() == nil {
				log.FromContext(ctx).Error(err, "Cannot keep the certificate of the nodes' agents")
			}
			pause = retryAgent
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// renew stores a new certificate. Whoever was faster has stored one as well, which the
// next call finds.
func (a *NodeAgent) renew(ctx context.Context, live *corev1.Secret, missing bool, now time.Time) error {
	certificate, private, err := certify(probe.NodeAgentName, now)
	if err != nil {
		return fmt.Errorf("making the certificate of the nodes' agents: %w", err)
	}
	live.Data = map[string][]byte{
		keyCertificate: certificate, keyPrivate: private,
		keyAuthorities: slices.Concat(certificate, live.Data[keyCertificate]),
	}
	if missing {
		live.ObjectMeta = metav1.ObjectMeta{
			Namespace: a.key.Namespace, Name: a.key.Name, Labels: map[string]string{names.LabelManagedBy: names.ManagedBy},
		}
		err = a.opts.Client.Create(ctx, live, FieldManager)
	} else {
		err = a.opts.Client.Update(ctx, live, FieldManager)
	}
	if err != nil {
		return fmt.Errorf("writing Secret %s: %w", a.key, err)
	}
	return nil
}

// servesAgents says whether the data has a certificate for the agents, and until when
// it is good. Users may put one of their own there.
func servesAgents(data map[string][]byte, now time.Time) (renewAt time.Time, serves bool) {
	certificate := parseCertificate(data[keyCertificate])
	if certificate == nil || certificate.VerifyHostname(probe.NodeAgentName) != nil ||
		len(data[keyPrivate]) == 0 || len(data[keyAuthorities]) == 0 {
		return time.Time{}, false
	}
	renewAt = certificate.NotAfter.Add(-renewBefore)
	return renewAt, now.Before(renewAt)
}
