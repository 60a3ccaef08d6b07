package meta

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gregor-log/gregor/base"
)

// putBroker makes br the registration of its id.
func (b *builder) putBroker(br *Broker) {
	b.image.brokers = b.image.brokers.put(br.ID, br)
	b.touchBroker(br.ID)
}

func (b *builder) touchBroker(id base.NodeID) {
	if b.firstTouch(id) {
		b.touchedBrokers = append(b.touchedBrokers, id)
	}
}

func (b *builder) registerBroker(rec *RegisterBrokerRecord) error {
	if rec.BrokerID < 0 {
		return fmt.Errorf("got broker id %d, expected at least 0", rec.BrokerID)
	}
	if old, ok := b.image.brokers.get(rec.BrokerID); ok {
		// The same incarnation amends its registration under the epoch it has; another one has a higher epoch.
		amends := old.IncarnationID == rec.IncarnationID
		if rec.BrokerEpoch < old.Epoch || rec.BrokerEpoch == old.Epoch && !amends {
			return fmt.Errorf("got epoch %d of broker %d, expected more than %d",
				rec.BrokerEpoch, rec.BrokerID, old.Epoch)
		}
	}
	br := &Broker{
		ID: rec.BrokerID, Epoch: rec.BrokerEpoch, IncarnationID: rec.IncarnationID, Endpoints: rec.Endpoints,
		Features: slices.Clone(rec.Features), Fenced: rec.Fenced, InControlledShutdown: rec.InControlledShutdown,
		LogDirs: rec.LogDirs, CordonedLogDirs: rec.CordonedLogDirs,
	}
	if rec.Rack != nil {
		br.Rack = *rec.Rack
	}
	slices.SortFunc(br.Features, func(x, y FeatureRange) int { return strings.Compare(x.Name, y.Name) })
	b.putBroker(br)
	return nil
}

// registered returns the broker, whose registration must be of that epoch.
func (b *builder) registered(id base.NodeID, epoch BrokerEpoch) (*Broker, error) {
	br, ok := b.image.brokers.get(id)
	if !ok {
		return nil, fmt.Errorf("got unknown broker %d", id)
	}
	if br.Epoch != epoch {
		return nil, fmt.Errorf("got epoch %d of broker %d, expected %d", epoch, id, br.Epoch)
	}
	return br, nil
}

func (b *builder) brokerChange(rec *BrokerRegistrationChangeRecord) error {
	old, err := b.registered(rec.BrokerID, rec.BrokerEpoch)
	if err != nil {
		return err
	}
	br := *old
	switch rec.Fenced {
	case KeepAsIs:
	case Fence, Unfence:
		br.Fenced = rec.Fenced == Fence
	default:
		return fmt.Errorf("got fenced %d, expected -1, 0 or 1", rec.Fenced)
	}
	switch rec.InControlledShutdown {
	case KeepAsIs:
	case 1:
		br.InControlledShutdown = true
	default:
		return fmt.Errorf("got in controlled shutdown %d, expected 0 or 1", rec.InControlledShutdown)
	}
	if len(rec.LogDirs) > 0 {
		br.LogDirs = rec.LogDirs
	}
	if rec.CordonedLogDirs != nil {
		br.CordonedLogDirs = rec.CordonedLogDirs
	}
	b.putBroker(&br)
	return nil
}

func (b *builder) unregisterBroker(rec *UnregisterBrokerRecord) error {
	if _, err := b.registered(rec.BrokerID, rec.BrokerEpoch); err != nil {
		return err
	}
	b.image.brokers = b.image.brokers.drop(rec.BrokerID)
	b.touchBroker(rec.BrokerID)
	return nil
}
