package olm

import (
	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ClusterServiceVersion is the part of operators.coreos.com/v1alpha1 that we
// fill, and what package check refuses. Reading is strict, so a misspelt field
// is an error.
type ClusterServiceVersion struct {
	metav1.TypeMeta `json:",inline"`
	Metadata        Metadata `json:"metadata"`
	Spec            Spec     `json:"spec"`
}

// Metadata is what a manifest says of itself.
type Metadata struct {
	Name        string            `json:"name"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
}

// Spec describes one version of the operator.
type Spec struct {
	DisplayName    string        `json:"displayName"`
	Description    string        `json:"description"`
	Icon           []Icon        `json:"icon"`
	Version        string        `json:"version"`
	Maturity       string        `json:"maturity"`
	MinKubeVersion string        `json:"minKubeVersion"`
	Keywords       []string      `json:"keywords"`
	Maintainers    []Maintainer  `json:"maintainers"`
	Provider       Provider      `json:"provider"`
	Links          []Link        `json:"links"`
	InstallModes   []InstallMode `json:"installModes"`
	// CustomResourceDefinitions are our own kinds: those of the Gateway API are not
	// required, as nothing in a catalog provides them.
	CustomResourceDefinitions Definitions    `json:"customresourcedefinitions"`
	Install                   Install        `json:"install"`
	RelatedImages             []RelatedImage `json:"relatedImages"`
	// Replaces is the version before, if a catalog does not say it.
	Replaces string `json:"replaces,omitempty"`
	// The rest is of operators of other kinds than ours.
	WebhookDefinitions    []Webhook   `json:"webhookdefinitions,omitempty"`
	APIServiceDefinitions Definitions `json:"apiservicedefinitions,omitzero"`
}

// Webhook is one that the operator serves.
type Webhook struct {
	Type         string `json:"type"`
	GenerateName string `json:"generateName"`
}

// Definitions are the kinds that the operator brings, and those that another has to.
type Definitions struct {
	Owned    []Definition `json:"owned,omitempty"`
	Required []Definition `json:"required,omitempty"`
}

// Definition describes a kind to those who look at a catalog.
type Definition struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	Kind        string `json:"kind"`
	DisplayName string `json:"displayName"`
	Description string `json:"description"`
	// Resources are the kinds of what comes of an object.
	Resources []Resource `json:"resources"`
	// SpecDescriptors and StatusDescriptors describe the fields at the top of spec and
	// status. They are those of the schema.
	SpecDescriptors   []Descriptor `json:"specDescriptors,omitempty"`
	StatusDescriptors []Descriptor `json:"statusDescriptors,omitempty"`
}

// Resource is a kind of objects.
type Resource struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Descriptor describes one field.
type Descriptor struct {
	Path        string `json:"path"`
	DisplayName string `json:"displayName"`
	Description string `json:"description"`
}

// Icon is a picture in base64.
type Icon struct {
	Base64Data string `json:"base64data"`
	MediaType  string `json:"mediatype"`
}

// Maintainer is somebody who answers.
type Maintainer struct {
	Name  string `json:"name"`
	Email string `json:"email"`
}

// Provider is who publishes the operator.
type Provider struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// Link leads to more to read.
type Link struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

// InstallMode says whether the operator can be told to serve such a set of
// namespaces.
type InstallMode struct {
	Type      string `json:"type"`
	Supported bool   `json:"supported"`
}

// Install is what OLM creates.
type Install struct {
	Strategy string      `json:"strategy"`
	Spec     InstallSpec `json:"spec"`
}

// InstallSpec belongs to the strategy "deployment".
type InstallSpec struct {
	ClusterPermissions []Permission `json:"clusterPermissions,omitempty"`
	Permissions        []Permission `json:"permissions,omitempty"`
	Deployments        []Deployment `json:"deployments"`
}

// Permission is what one ServiceAccount may do.
type Permission struct {
	ServiceAccountName string              `json:"serviceAccountName"`
	Rules              []rbacv1.PolicyRule `json:"rules"`
}

// Deployment is a Deployment with its metadata reduced to name and labels.
type Deployment struct {
	Name  string                `json:"name"`
	Label map[string]string     `json:"label,omitempty"`
	Spec  appsv1.DeploymentSpec `json:"spec"`
}

// RelatedImage is an image that a mirror must have.
type RelatedImage struct {
	Name  string `json:"name"`
	Image string `json:"image"`
}
