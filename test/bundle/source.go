package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"

	"github.com/fleetgate/fleetgate/test/bundle/olm"
)

// source holds the rendered objects by kind.
type source struct {
	csvs                []olm.ClusterServiceVersion
	namespaces          []corev1.Namespace
	deployments         []appsv1.Deployment
	services            []corev1.Service
	serviceAccounts     []corev1.ServiceAccount
	roles               []rbacv1.Role
	roleBindings        []rbacv1.RoleBinding
	clusterRoles        []rbacv1.ClusterRole
	clusterRoleBindings []rbacv1.ClusterRoleBinding
	// crds are kept as they are.
	crds []crd
	// examples are objects of their kinds, as JSON would have them.
	examples []any
}

// read takes a stream of YAML documents apart.
func read(r io.Reader) (*source, error) {
	s := &source{}
	documents := utilyaml.NewYAMLReader(bufio.NewReader(r))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return s, s.validate()
		}
		if err != nil {
			return nil, fmt.Errorf("reading objects: %w", err)
		}
		if err := s.add(document); err != nil {
			return nil, err
		}
	}
}

// add decodes one document. Kinds are those that a bundle can hold or that its
// ClusterServiceVersion says in its own way; a ServiceMonitor or NetworkPolicy
// would keep OLM from installing on many clusters, and a GatewayClass on all.
func (s *source) add(document []byte) error {
	var head metav1.PartialObjectMetadata
	if err := yaml.Unmarshal(document, &head); err != nil {
		return fmt.Errorf("reading an object's head: %w", err)
	}
	var err error
	switch kind := head.GroupVersionKind().GroupKind().String(); kind {
	case "":
		return nil // An empty document, or a comment alone.
	case "ClusterServiceVersion.operators.coreos.com":
		s.csvs, err = decode(s.csvs, document)
	case "Namespace":
		s.namespaces, err = decode(s.namespaces, document)
	case "Deployment.apps":
		s.deployments, err = decode(s.deployments, document)
	case "Service":
		s.services, err = decode(s.services, document)
	case "ServiceAccount":
		s.serviceAccounts, err = decode(s.serviceAccounts, document)
	case "Role.rbac.authorization.k8s.io":
		s.roles, err = decode(s.roles, document)
	case "RoleBinding.rbac.authorization.k8s.io":
		s.roleBindings, err = decode(s.roleBindings, document)
	case "ClusterRole.rbac.authorization.k8s.io":
		s.clusterRoles, err = decode(s.clusterRoles, document)
	case "CustomResourceDefinition.apiextensions.k8s.io":
		s.crds, err = addCRD(s.crds, document)
	case "ClusterRoleBinding.rbac.authorization.k8s.io":
		s.clusterRoleBindings, err = decode(s.clusterRoleBindings, document)
	default:
		return fmt.Errorf("%s %q cannot be part of the bundle", kind, head.Name)
	}
	if err != nil {
		return fmt.Errorf("decoding %s %q: %w", head.Kind, head.Name, err)
	}
	return nil
}

func decode[T any](to []T, document []byte) ([]T, error) {
	var object T
	err := yaml.UnmarshalStrict(document, &object)
	return append(to, object), err
}

// validate makes sure of what the bundle is built around.
func (s *source) validate() error {
	switch {
	case len(s.csvs) != 1:
		return fmt.Errorf("%d ClusterServiceVersions, want one to begin with", len(s.csvs))
	case len(s.deployments) != 1:
		return fmt.Errorf("%d Deployments, want the operator's alone", len(s.deployments))
	case len(s.namespaces) != 1:
		return fmt.Errorf("%d Namespaces, want the one to suggest", len(s.namespaces))
	}
	account := s.account()
	for _, a := range s.serviceAccounts {
		if a.Name != account {
			return fmt.Errorf("ServiceAccount %q is not the operator's, %q", a.Name, account)
		}
	}
	return nil
}

// account is the name of the operator's ServiceAccount. OLM makes it: an object
// of that name in the bundle is an error.
func (s *source) account() string {
	return s.deployments[0].Spec.Template.Spec.ServiceAccountName
}
