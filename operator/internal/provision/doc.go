// Package provision turns a Graph into the objects that its fleet of proxies
// runs as: a Deployment or DaemonSet, Services, a ServiceMonitor, and what goes with
// them. What is said in GatewayParameters comes before the settings of the operator,
// and those before the defaults.
//
// The objects are meant for server-side apply. They carry their TypeMeta, the
// owner reference to the Gateway, and only those fields that the operator means
// to own; what they leave out belongs to the cluster's defaults, or to whoever
// sets it. The ConfigMap, the certificate Secrets and the admin Secret are not
// among them, as their content is not a function of the graph alone.
//
// The pod does not depend on listeners, routes or certificates: they change
// without a rollout.
package provision
