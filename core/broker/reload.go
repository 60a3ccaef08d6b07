package broker

import (
	"github.com/gregor-log/gregor/core/config"
)

// Reload takes a static configuration in place of the one that the broker was opened with, as after its file has
// changed. What was altered by requests goes on to win over it. The caller makes sure that it differs in nothing that
// may not change while a broker runs (see config.Broker.Reload). It may run beside Steps.
func (b *Broker) Reload(static *config.Broker) {
	c := &b.controller
	c.mu.Lock() // so that no change of the metadata is being acted on
	defer c.mu.Unlock()
	b.static = static
	b.reconfigure(b.Image())
}
