package names

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// maxLabel is the longest name of a Service and the longest value of a label.
const maxLabel = 63

// CertificateShards is the number of Secrets that a fleet's certificates are
// spread over. It is fixed, so that neither a new certificate nor a new shard
// changes the pod or its Role.
const CertificateShards = 4

// Fleet names the objects of one Gateway's fleet. All of them lie in the
// Gateway's namespace.
type Fleet struct {
	name string
}

// ForGateway returns the names of the fleet of the given Gateway. GEP-1762
// wants "<gateway>-<class>"; what does not fit a Service's name (63 characters,
// no dots, a letter in front) is shortened or replaced, with a hash of the
// whole at the end to keep the names of two Gateways apart.
func ForGateway(gateway, class string) Fleet {
	return Fleet{name: dnsLabel(gateway + "-" + class)}
}

// Name is shared by the Deployment or DaemonSet, the HorizontalPodAutoscaler, the
// Service, the ServiceMonitor, the ServiceAccount, the Role, the RoleBinding, the
// PodDisruptionBudget and the NetworkPolicy.
func (f Fleet) Name() string { return f.name }

// MetricsService is the headless Service that carries the metrics ports. As a
// Service it has less room for its suffix than the objects below.
func (f Fleet) MetricsService() string {
	const suffix = "-metrics"
	if len(f.name)+len(suffix) <= maxLabel {
		return f.name + suffix
	}
	return shorten(f.name, f.name, maxLabel-len(suffix)) + suffix
}

// ConfigMap holds the rendered configuration.
func (f Fleet) ConfigMap() string { return f.name + "-config" }

// ConfigMaps are that one and those of its parts: a fixed set, whether they are
// there or not.
func (f Fleet) ConfigMaps() []string {
	all := []string{f.ConfigMap()}
	for _, part := range proxyconfig.PartNames() {
		all = append(all, f.ConfigMap()+"-"+part)
	}
	return all
}

// HoldsConfig says whether a ConfigMap's name is one of the ConfigMaps of some fleet.
func HoldsConfig(name string) bool {
	const suffix = "-config"
	at := strings.LastIndex(name, suffix)
	if at < 0 {
		return false
	}
	part, of := strings.CutPrefix(name[at+len(suffix):], "-")
	return !of && part == "" || of && slices.Contains(proxyconfig.PartNames(), part)
}

// NodeAgentConfigMap holds the certificates that nodes' agents may present.
func (f Fleet) NodeAgentConfigMap() string { return f.name + "-node-agent" }

// NodeAgentSecret is in the operator's namespace, and holds the certificate and the key
// of all nodes' agents. config/node-agent has its name, too.
const NodeAgentSecret = "fleetgate-node-agent"

// AdminSecret holds the certificate and the bearer token of the proxies' admin
// port.
func (f Fleet) AdminSecret() string { return f.name + "-admin" }

// CertificateSecret is the shard with the given index.
func (f Fleet) CertificateSecret(shard int) string {
	return f.name + "-certs-" + strconv.Itoa(shard)
}

// CertificateSecrets are all shards, in order.
func (f Fleet) CertificateSecrets() []string {
	all := make([]string, CertificateShards)
	for shard := range all {
		all[shard] = f.CertificateSecret(shard)
	}
	return all
}

// Certificate returns the shard that the given Secret's certificate goes to,
// and the prefix of its keys there. Both depend on the Secret's name alone:
// neither moves when other certificates come and go.
func Certificate(secret types.NamespacedName) (shard int, key string) {
	sum := sha256.Sum256([]byte(secret.String()))
	return int(sum[len(sum)-1]) % CertificateShards, hex.EncodeToString(sum[:16])
}

// SelectorPrefix is what the name of the Service of an XBackend's selector begins
// with. The API server adds the rest, so that nobody comes to rely on it.
func SelectorPrefix(xbackend string) string {
	const generated = 5
	label := dnsLabel(xbackend)
	if len(label)+1+generated > maxLabel {
		label = shorten(label, label, maxLabel-1-generated)
	}
	return label + "-"
}

// LabelValue makes a value for a label of an object's name, which may have up
// to 253 characters, all of them allowed in a label's value.
func LabelValue(name string) string {
	if len(name) <= maxLabel {
		return name
	}
	return shorten(name, name, maxLabel)
}

// ServicePort names a port of the public Service.
func ServicePort(protocol string, port int32) string {
	return strings.ToLower(protocol) + "-" + strconv.Itoa(int(port))
}

func dnsLabel(name string) string {
	label := strings.ReplaceAll(name, ".", "-")
	if label[0] >= '0' && label[0] <= '9' {
		label = "g" + label
	}
	if label == name && len(label) <= maxLabel {
		return label
	}
	return shorten(label, name, maxLabel)
}

// shorten cuts text so that it and a hash of whole behind it fit into limit.
// 40 bits are enough: a clash would need two Gateways of one namespace, and it
// is noticed, as the second one finds objects that are not its own.
func shorten(text, whole string, limit int) string {
	sum := sha256.Sum256([]byte(whole))
	suffix := "-" + hex.EncodeToString(sum[:5])
	if room := limit - len(suffix); len(text) > room {
		text = text[:room]
	}
	return strings.TrimRight(text, "-._") + suffix
}
