package edge

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/fleetgate/fleetgate/test/internal/scrape"
)

// Metrics scrapes the proxy's own metrics.
func (p *Proxy) Metrics() scrape.Sample {
	p.t.Helper()
	s, err := p.scrape()
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// Goroutines is how many goroutines the proxy has.
func (p *Proxy) Goroutines() int {
	p.t.Helper()
	return int(p.Metrics().Sum("go_goroutines", nil))
}

func (p *Proxy) scrape() (scrape.Sample, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return scrape.Get(ctx, p.health, p.healthURL("/metrics"))
}

// ready asks the proxy whether it serves.
func (p *Proxy) ready() error {
	answer, err := p.health.Get(p.healthURL("/readyz"))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("readyz answers %s", answer.Status)
	}
	return p.listens()
}

// serves says whether a revision of the configuration is the one in use.
func (p *Proxy) serves(revision int64) error {
	s, err := p.scrape()
	if err != nil {
		return err
	}
	if got := int64(s.Sum("fleetgate_proxy_config_revision", nil)); got != revision {
		return fmt.Errorf("revision %d serves, not %d", got, revision)
	}
	if s.Sum("fleetgate_proxy_config_refused_items", nil) != 0 {
		return errors.New("a part of the configuration was refused")
	}
	return nil
}
