package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/operator/internal/apply"
)

// Secret stores data in the Secret of the given name and reports whether that
// took a write. A Secret without data is emptied, and not created for it. It
// returns a *ForeignError when the Secret is not the owner's.
func (w *Writer) Secret(ctx context.Context, owner apply.Owner, name string, data map[string][]byte) (bool, error) {
	s := w.secretWrite(ctx, owner, name)
	s.want(data)
	done, err := s.unchanged()
	if done || err != nil {
		return false, err
	}
	return s.store(s.read)
}

func (w *Writer) secretWrite(ctx context.Context, owner apply.Owner, name string) *secretWrite {
	return &secretWrite{
		Writer: w, ctx: ctx, owner: owner,
		key:   types.NamespacedName{Namespace: owner.Namespace, Name: name},
		known: w.secretMemory(owner.NamespacedName, name),
	}
}

func (w *Writer) secretMemory(owner types.NamespacedName, name string) *written {
	m := w.memory(owner)
	w.mu.Lock()
	defer w.mu.Unlock()
	if m.secrets[name] == nil {
		m.secrets[name] = &written{}
	}
	return m.secrets[name]
}

// secretWrite is one call of Secret, or of Admin.
type secretWrite struct {
	*Writer
	ctx     context.Context
	owner   apply.Owner
	key     types.NamespacedName
	data    map[string][]byte
	content string
	known   *written
}

// want has the Secret hold the data from now on.
func (s *secretWrite) want(data map[string][]byte) { s.data, s.content = data, digest(data) }

// unchanged says whether the metadata alone tell that nothing is to be done.
func (s *secretWrite) unchanged() (bool, error) {
	seen := &metav1.PartialObjectMetadata{}
	seen.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	err := s.opts.Client.Get(s.ctx, s.key, seen)
	switch {
	case apierrors.IsNotFound(err):
		return s.known.version == "" && len(s.data) == 0, nil
	case err != nil:
		return false, fmt.Errorf("reading the metadata of Secret %s: %w", s.key, err)
	}
	return s.known.covers(seen, s.opts.Now()) && s.known.content == s.content && marked(seen, s.owner), nil
}

// store brings the Secret into the wanted state, from the one that first returns. When
// somebody else was faster it is read again.
func (s *secretWrite) store(first func() (*corev1.Secret, error)) (wrote bool, err error) {
	read := first
	for range attempts {
		live, err := read()
		if err != nil {
			return false, err
		}
		wrote, raced, err := s.bring(live)
		if !raced || err != nil {
			return wrote, err
		}
		read = s.read
	}
	return false, fmt.Errorf("writing Secret %s: others keep changing it", s.key)
}

// read returns the Secret itself, and one without a version where there is none.
func (s *secretWrite) read() (*corev1.Secret, error) {
	live := &corev1.Secret{}
	err := s.opts.Live.Get(s.ctx, s.key, live)
	if apierrors.IsNotFound(err) {
		return &corev1.Secret{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", s.key, err)
	}
	return live, nil
}

// bring compares live with what is wanted, and writes when they differ.
func (s *secretWrite) bring(live *corev1.Secret) (wrote, raced bool, err error) {
	switch {
	case live.ResourceVersion == "":
		if len(s.data) == 0 {
			s.locked(func() { *s.known = written{} })
			return false, false, nil
		}
		live.Namespace, live.Name = s.key.Namespace, s.key.Name
	case !s.owner.Owns(live):
		return false, false, foreign("Secret", live)
	case digest(live.Data) == s.content && marked(live, s.owner):
		s.remember(live)
		return false, false, nil
	}
	adopt(live, s.owner)
	live.ManagedFields = nil
	live.Data = s.data
	if raced, err = s.Writer.store(s.ctx, live); raced || err != nil {
		if err != nil {
			err = fmt.Errorf("writing Secret %s: %w", s.key, err)
		}
		return false, raced, err
	}
	s.remember(live)
	return true, false, nil
}

func (s *secretWrite) remember(live *corev1.Secret) {
	s.locked(func() { s.known.set(live.UID, live.ResourceVersion, s.content, s.opts.Now()) })
}

// digest is the hash of the keys and values, each preceded by its length. It
// stays in memory: it is never written anywhere.
func digest(data map[string][]byte) string {
	h := sha256.New()
	put := func(b []byte) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(b)))
		h.Write(size[:])
		h.Write(b)
	}
	for _, key := range slices.Sorted(maps.Keys(data)) {
		put([]byte(key))
		put(data[key])
	}
	return hex.EncodeToString(h.Sum(nil))
}
