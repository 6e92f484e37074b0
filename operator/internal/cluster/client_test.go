package cluster

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

func TestDataAreReadLiveAndMetadataFromTheCache(t *testing.T) {
	object := func(value string) client.Client {
		meta := metav1.ObjectMeta{Namespace: "ns", Name: "s", Labels: map[string]string{"from": value}}
		return fake.NewClientBuilder().WithObjects(
			&corev1.Secret{ObjectMeta: meta, Data: map[string][]byte{"key": []byte(value)}},
			&corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"key": value}},
		).Build()
	}
	c := dataless{Client: object("cache"), live: object("api")}
	key := types.NamespacedName{Namespace: "ns", Name: "s"}

	var secret corev1.Secret
	if err := c.Get(t.Context(), key, &secret); err != nil || string(secret.Data["key"]) != "api" {
		t.Errorf("Get of a Secret: %q, %v; want it from the API server", secret.Data["key"], err)
	}
	var configMap corev1.ConfigMap
	if err := c.Get(t.Context(), key, &configMap); err != nil || configMap.Data["key"] != "api" {
		t.Errorf("Get of a ConfigMap: %q, %v; want it from the API server", configMap.Data["key"], err)
	}
	var secrets corev1.SecretList
	if err := c.List(t.Context(), &secrets); err != nil || len(secrets.Items) != 1 || string(secrets.Items[0].Data["key"]) != "api" {
		t.Errorf("List of Secrets: %v, %v; want them from the API server", secrets.Items, err)
	}
	var configMaps corev1.ConfigMapList
	if err := c.List(t.Context(), &configMaps); err != nil || len(configMaps.Items) != 1 || configMaps.Items[0].Data["key"] != "api" {
		t.Errorf("List of ConfigMaps: %v, %v; want them from the API server", configMaps.Items, err)
	}
	for _, seen := range []*metav1.PartialObjectMetadata{SecretMetadata(), ConfigMapMetadata()} {
		if err := c.Get(t.Context(), key, seen); err != nil || seen.Labels["from"] != "cache" {
			t.Errorf("Get of a %s's metadata: %v, %v; want them from the cache", seen.Kind, seen.Labels, err)
		}
		list := &metav1.PartialObjectMetadataList{}
		list.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: seen.Kind + "List"})
		if err := c.List(t.Context(), list); err != nil || len(list.Items) != 1 || list.Items[0].Labels["from"] != "cache" {
			t.Errorf("List of %ss' metadata: %v, %v; want them from the cache", seen.Kind, list.Items, err)
		}
	}
}
