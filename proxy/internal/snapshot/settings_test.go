package snapshot

import (
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// The pointer changes with the settings and with nothing else.
func TestSettingsArePassedOn(t *testing.T) {
	registry := balance.NewRegistry(balance.Options{})
	hops := func(n int32) *proxyconfig.Settings { return &proxyconfig.Settings{TrustedHops: &n} }
	var before *Snapshot
	for _, tt := range []struct {
		settings *proxyconfig.Settings
		listener int32
		same     bool
	}{
		{nil, 80, false}, {nil, 81, true}, {hops(1), 81, false}, {hops(1), 82, true}, {hops(2), 82, false}, {nil, 82, false},
	} {
		s, refused := Compile(Input{
			Document: &proxyconfig.Document{}, Registry: registry, Previous: before,
			Config: &proxyconfig.Config{
				Listeners: []proxyconfig.Listener{{Name: "l", Port: tt.listener, Protocol: proxyconfig.HTTP}}, Settings: tt.settings,
			},
		})
		if len(refused) > 0 || s.Settings == nil {
			t.Fatalf("refused %v, settings %v", refused, s.Settings)
		}
		if same := before != nil && s.Settings == before.Settings; same != tt.same {
			t.Errorf("%+v on %d: the same pointer %v, want %v", tt.settings, tt.listener, same, tt.same)
		}
		before = s
	}
}

// What is refused is left to the default; the rest of the configuration serves.
func TestASettingThatIsRefused(t *testing.T) {
	s, refused := Compile(Input{
		Document: &proxyconfig.Document{}, Registry: balance.NewRegistry(balance.Options{}),
		Config: &proxyconfig.Config{
			Listeners: []proxyconfig.Listener{{Name: "l", Port: 80, Protocol: proxyconfig.HTTP}},
			Settings:  &proxyconfig.Settings{LogLevel: "loud", Timeouts: &proxyconfig.PhaseTimeouts{KeepAliveMillis: 5}},
		},
	})
	if len(refused) != 1 || refused[0].Kind != proxyconfig.KindSetting || refused[0].Name != "logLevel" || !strings.Contains(refused[0].Reason, "loud") {
		t.Errorf("refused %+v", refused)
	}
	if s.Settings.LogLevel != "" || s.Settings.Timeouts.KeepAliveMillis != 5 || len(s.Ports) != 1 {
		t.Errorf("got %+v with %d ports", s.Settings, len(s.Ports))
	}
}
