package graph

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestPrivateKeysDoNotPrint goes through the ways in which a key could end up
// in a log.
func TestPrivateKeysDoNotPrint(t *testing.T) {
	const secret = "c2VjcmV0-canary"
	certificate := &Certificate{Chain: []byte("chain"), Key: PrivateKey(secret)}
	asJSON, err := json.Marshal(certificate)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprint(certificate.Key), fmt.Sprintf("%v", *certificate), fmt.Sprintf("%+v", *certificate),
		fmt.Sprintf("%#v", *certificate), fmt.Sprintf("%s", certificate.Key), fmt.Sprintf("%q", certificate.Key),
		fmt.Sprintf("%x", certificate.Key), fmt.Sprintf("%d", certificate.Key), string(asJSON),
	} {
		if strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%x", secret)) ||
			strings.Contains(text, fmt.Sprint([]byte(secret))) {
			t.Errorf("the key is in %q", text)
		}
	}
}
