package delivery_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/fleetgate/fleetgate/operator/internal/delivery"
)

func (w *world) secret(name string) *corev1.Secret {
	w.t.Helper()
	secret := &corev1.Secret{}
	err := w.api.Get(w.t.Context(), types.NamespacedName{Namespace: "tenant", Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

func (w *world) putSecret(data map[string][]byte) bool {
	w.t.Helper()
	wrote, err := w.writer.Secret(w.t.Context(), w.owner, "certs-0", data)
	if err != nil {
		w.t.Fatal(err)
	}
	return wrote
}

func TestSecretFollowsItsData(t *testing.T) {
	w := newWorld(t)
	a, b := map[string][]byte{"a.crt": []byte("a")}, map[string][]byte{"b.crt": []byte("b")}
	steps := []struct {
		name  string
		do    func()
		data  map[string][]byte
		wrote bool
	}{
		{"nothing is not created", nil, nil, false},
		{"data creates it", nil, a, true},
		{"the same data are no write", nil, a, false},
		{"nor after a restart", w.restart, a, false},
		{"other data replace all", nil, b, true},
		{"a foreign edit is undone", func() {
			live := w.secret("certs-0")
			live.Data["evil"] = []byte("x")
			if err := w.api.Update(t.Context(), live); err != nil {
				t.Fatal(err)
			}
		}, b, true},
		{"a lost label is restored", func() {
			live := w.secret("certs-0")
			live.Labels = nil
			if err := w.api.Update(t.Context(), live); err != nil {
				t.Fatal(err)
			}
		}, b, true},
		{"a deletion is undone", func() {
			if err := w.api.Delete(t.Context(), w.secret("certs-0")); err != nil {
				t.Fatal(err)
			}
		}, b, true},
		{"without data it is emptied", nil, nil, true},
		{"once", nil, nil, false},
	}
	for _, step := range steps {
		if step.do != nil {
			step.do()
		}
		if got := w.putSecret(step.data); got != step.wrote {
			t.Errorf("%s: wrote %v", step.name, got)
		}
		if live := w.secret("certs-0"); live != nil && fmt.Sprint(live.Data) != fmt.Sprint(step.data) {
			t.Errorf("%s: got %d keys", step.name, len(live.Data))
		}
	}
	if live := w.secret("certs-0"); !w.owner.Owns(live) {
		t.Error("the owner is missing")
	}
}

func TestForeignSecretIsNeverTouched(t *testing.T) {
	w := newWorld(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "tenant", Name: "certs-0"}, Data: map[string][]byte{"theirs": []byte("yes")},
	})
	_, err := w.writer.Secret(t.Context(), w.owner, "certs-0", map[string][]byte{"a.crt": nil})
	var foreign *delivery.ForeignError
	if !errors.As(err, &foreign) || foreign.Conflict.Kind != "Secret" {
		t.Errorf("got %v", err)
	}
	if string(w.secret("certs-0").Data["theirs"]) != "yes" {
		t.Error("the foreign Secret was changed")
	}
}

func (w *world) admin() *delivery.Admin {
	w.t.Helper()
	admin, err := w.writer.Admin(w.t.Context(), w.owner, "gw-fleetgate-admin", "gw-fleetgate")
	if err != nil {
		w.t.Fatal(err)
	}
	return admin
}

// verify checks the certificate in the Secret as a client with these
// credentials would.
func verify(t *testing.T, admin *delivery.Admin, secret *corev1.Secret, now time.Time) {
	t.Helper()
	pair, err := tls.X509KeyPair(secret.Data["tls.crt"], secret.Data["tls.key"])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(admin.Authorities)
	if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: admin.ServerName, Roots: roots, CurrentTime: now}); err != nil {
		t.Error(err)
	}
}

func TestAdminIsCreatedOnceAndRenewed(t *testing.T) {
	w := newWorld(t)
	first := w.admin()
	before := w.secret("gw-fleetgate-admin")
	verify(t, first, before, w.now)
	if len(first.Token) < 40 || string(before.Data["token"]) != string(first.Token) {
		t.Errorf("the token has %d characters", len(first.Token))
	}

	for range 2 {
		if again := w.admin(); string(again.Token) != string(first.Token) {
			t.Error("another token")
		}
		if w.secret("gw-fleetgate-admin").ResourceVersion != before.ResourceVersion {
			t.Fatal("the Secret was written again")
		}
		w.restart()
	}

	w.now = first.RenewAt
	renewed := w.admin()
	after := w.secret("gw-fleetgate-admin")
	if string(after.Data["tls.crt"]) == string(before.Data["tls.crt"]) || string(renewed.Token) != string(first.Token) {
		t.Error("not a new certificate with the same token")
	}
	// Proxies that have not seen the new one yet can still be asked.
	verify(t, renewed, before, w.now)
	verify(t, renewed, after, w.now)
	if !renewed.RenewAt.After(w.now) {
		t.Errorf("to be renewed at %v", renewed.RenewAt)
	}
}

func TestBrokenAdminIsReplaced(t *testing.T) {
	for _, key := range []string{"tls.crt", "tls.key", "token", "ca.crt"} {
		w := newWorld(t)
		w.admin()
		live := w.secret("gw-fleetgate-admin")
		delete(live.Data, key)
		if err := w.api.Update(t.Context(), live); err != nil {
			t.Fatal(err)
		}
		verify(t, w.admin(), w.secret("gw-fleetgate-admin"), w.now)
	}
}

func TestTokenDoesNotPrint(t *testing.T) {
	token := delivery.Token("canary")
	admin := delivery.Admin{Token: token}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if text := fmt.Sprintf(format, token) + fmt.Sprintf(format, admin) + fmt.Sprintf(format, &admin); strings.Contains(text, "canary") {
			t.Errorf("%s prints %s", format, text)
		}
	}
}
