package status

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/fleetgate/fleetgate/operator/internal/conditions"
	"github.com/fleetgate/fleetgate/operator/internal/scraping"
)

// ConditionScraped says whether a Prometheus selects the Gateway's ServiceMonitor. It is
// not there for a Gateway that has none.
const (
	ConditionScraped   gatewayv1.GatewayConditionType   = "fleetgate.io/Scraped"
	ReasonSelected     gatewayv1.GatewayConditionReason = "Selected"
	ReasonNotSelected  gatewayv1.GatewayConditionReason = "NotSelected"
	ReasonNoPrometheus gatewayv1.GatewayConditionReason = "NoPrometheus"
)

func (b *builder) scraped(choice *scraping.Choice) metav1.Condition {
	switch {
	case choice.By.Name != "":
		return b.gatewayCondition(ConditionScraped, metav1.ConditionTrue, ReasonSelected,
			"Prometheus "+choice.By.String()+" selects ServiceMonitor "+choice.Monitor.String())
	case len(choice.Reasons) == 0:
		return b.gatewayCondition(ConditionScraped, metav1.ConditionUnknown, ReasonNoPrometheus,
			"The operator sees no Prometheus that could select ServiceMonitor "+choice.Monitor.String())
	}
	return b.gatewayCondition(ConditionScraped, metav1.ConditionFalse, ReasonNotSelected,
		conditions.Join([]string{"No Prometheus selects ServiceMonitor " + choice.Monitor.String() + ": " + choice.Text()}))
}
