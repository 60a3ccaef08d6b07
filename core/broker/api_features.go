package broker

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/replication/meta"
)

// UpdateFeatures (API key 57): versions 0-2 (KIP-584; KIP-778 brings upgrade types and validate-only, version 2 leaves
// the results out). All updates are made, or none.
func (c *call) updateFeatures(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.UpdateFeaturesRequest)
	b, res := c.b, kmsg.NewPtrUpdateFeaturesResponse()
	res.Results = []kmsg.UpdateFeaturesResponseResult{}
	var refused *meta.Error
	decide := func(do decider) {
		trial := meta.NewController(do.Image(), b.controller.epoch)
		for i := range req.FeatureUpdates {
			if _, refused = trial.Do(b.featureUpdate(req, i)); refused != nil {
				return
			}
		}
		for i := range req.FeatureUpdates {
			if _, refused = do.Do(b.featureUpdate(req, i)); refused != nil {
				return
			}
		}
	}
	answer := func() kmsg.Response {
		if refused != nil {
			res.ErrorCode = refused.Code.Code
			res.ErrorMessage = textf("The update failed for all features since the following feature had an error: %s",
				refused.Message)
			return res
		}
		for _, update := range req.FeatureUpdates {
			done := kmsg.NewUpdateFeaturesResponseResult()
			done.Feature, done.ErrorMessage = update.Feature, textf("NONE") // as in Kafka
			res.Results = append(res.Results, done)
		}
		return res
	}
	if req.ValidateOnly {
		decide(b.dryRun())
		return answer()
	}
	reply := c.pending()
	b.change(c.now, c.out, decide, func(_ base.Instant, err error, out *Effects) {
		if err != nil && refused == nil {
			code, message := codeAndMessage(err)
			refused = &meta.Error{Code: kerr.TypedErrorForCode(code), Message: *message}
		}
		reply.reply(answer(), out)
	})
	return nil
}

// featureUpdate returns one update of a request as a command. Version 0 knows upgrades alone: Kafka does not look at
// its AllowDowngrade.
func (b *Broker) featureUpdate(req *kmsg.UpdateFeaturesRequest, i int) meta.UpdateFeature {
	asked := &req.FeatureUpdates[i]
	kind := meta.UpgradeType(asked.UpgradeType)
	if req.Version == 0 {
		kind = meta.Upgrade
	}
	return meta.UpdateFeature{
		Name: asked.Feature, Level: asked.MaxVersionLevel, Type: kind,
		Controller: b.nodeID, Supported: supportedFeatures,
	}
}
