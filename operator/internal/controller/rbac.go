package controller

// The markers below are the operator's rights in the cluster; config/rbac/role.yaml
// is generated from them.
//
// Each fleet's proxies get a Role to get, list and watch their own ConfigMap and
// certificate Secrets, by name. Kubernetes lets nobody grant what he does not
// have, so the operator holds get, list and watch on all ConfigMaps and Secrets
// of the namespaces that it serves. Of both it lists and watches the metadata
// alone, and it gets only those that a listener, a Gateway, a policy or an XBackend
// names and those of its fleets.
// Of ConfigMaps that are not its fleets' it keeps the one key with CA
// certificates.
//
// What it writes are the objects of fleets, the headless Services by which Kubernetes
// finds the pods of XBackends, and the status of what users write.
// Users' objects themselves are changed in one place, GatewayClasses: there is the
// finalizer that the Gateway API asks for, and the name of the install that serves them.

// What users write.
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=backendtlspolicies;gatewayclasses;gateways;grpcroutes;httproutes;listenersets;referencegrants;tcproutes;tlsroutes;udproutes,verbs=get;list;watch
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=gatewayclasses,verbs=patch
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=gatewayclasses/finalizers,verbs=update
// +kubebuilder:rbac:groups=gateway.networking.k8s.io,resources=backendtlspolicies/status;gatewayclasses/status;gateways/status;grpcroutes/status;httproutes/status;listenersets/status;tcproutes/status;tlsroutes/status;udproutes/status,verbs=patch
// +kubebuilder:rbac:groups=gateway.networking.x-k8s.io,resources=xbackends;xbackendtrafficpolicies;xtelemetrypolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups=gateway.networking.x-k8s.io,resources=xbackends/status;xbackendtrafficpolicies/status;xtelemetrypolicies/status,verbs=patch
// +kubebuilder:rbac:groups=fleetgate.io,resources=gatewayparameters,verbs=get;list;watch
// +kubebuilder:rbac:groups=fleetgate.io,resources=gatewayparameters/status,verbs=patch
// +kubebuilder:rbac:groups=certificates.k8s.io,resources=clustertrustbundles,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces;pods,verbs=get;list;watch
// +kubebuilder:rbac:groups=discovery.k8s.io,resources=endpointslices,verbs=get;list;watch

// The metadata of CRDs: the version of the Gateway API, and which of the kinds
// that a cluster need not have are there.
// +kubebuilder:rbac:groups=apiextensions.k8s.io,resources=customresourcedefinitions,verbs=get;list;watch

// What a fleet consists of.
// +kubebuilder:rbac:groups="",resources=services;serviceaccounts;configmaps;secrets,verbs=get;list;watch;create;update;patch;delete
// +kubebuilder:rbac:groups=apps,resources=daemonsets;deployments,verbs=get;list;watch;create;update;patch;delete
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch;create;update;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=roles;rolebindings,verbs=get;list;watch;create;update;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;update;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch;create;update;patch;delete
// +kubebuilder:rbac:groups=monitoring.coreos.com,resources=servicemonitors,verbs=get;list;watch;create;update;patch;delete

// Which ServiceMonitors are selected.
// +kubebuilder:rbac:groups=monitoring.coreos.com,resources=prometheuses,verbs=get;list;watch

// Whether an install that classes name is still at work.
// +kubebuilder:rbac:groups=coordination.k8s.io,resources=leases,resourceNames="7d1f0c36.fleetgate.io",verbs=get

// What happened.
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch
