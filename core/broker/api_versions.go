package broker

import (
	"regexp"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/wire"
)

// ApiVersions (API key 18): versions 0-4, as Apache Kafka 4.3.1 advertises. Version 3 brings the client's software name
// and version and the features (KIP-511, KIP-584), 4 the supported features whose minimum is 0 (KAFKA-17011). The
// response's header is always version 0, so that a client can read it before it knows anything.

// softwareName is what KIP-511 allows in the client's software name and version.
var softwareName = regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$`)

func (c *call) apiVersions(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.ApiVersionsRequest)
	res := c.b.versions(c.header.Version)
	if req.Version < 3 {
		return res
	}
	if !softwareName.MatchString(req.ClientSoftwareName) || !softwareName.MatchString(req.ClientSoftwareVersion) {
		refused := kmsg.NewPtrApiVersionsResponse()
		refused.ErrorCode = kerr.InvalidRequest.Code
		return refused
	}
	c.conn.mu.Lock()
	c.conn.mu.software = req.ClientSoftwareName + " " + req.ClientSoftwareVersion
	c.conn.mu.Unlock()
	return res
}

// unknownApiVersions answers an ApiVersions request of a version beyond what is served: in version 0, with the versions
// of this API alone, so that the client can ask again (KIP-511). The request's body is not looked at.
func (c *call) unknownApiVersions() {
	h := wire.RequestHeader{Key: c.header.Key, Correlation: c.header.Correlation}
	res := kmsg.NewPtrApiVersionsResponse()
	res.ErrorCode = kerr.UnsupportedVersion.Code
	own := c.b.apis[c.header.Key]
	key := kmsg.NewApiVersionsResponseApiKey()
	key.ApiKey, key.MinVersion, key.MaxVersion = own.key, own.min, own.max
	res.ApiKeys = append(res.ApiKeys, key)
	p := c.pending()
	p.header = h
	p.reply(res, c.out)
}

// versions returns what is advertised.
func (b *Broker) versions(version int16) *kmsg.ApiVersionsResponse {
	res := kmsg.NewPtrApiVersionsResponse()
	for _, a := range b.apis {
		if a == nil {
			continue
		}
		key := kmsg.NewApiVersionsResponseApiKey()
		key.ApiKey, key.MinVersion, key.MaxVersion = a.key, a.min, a.max
		res.ApiKeys = append(res.ApiKeys, key)
	}
	if version < 3 {
		return res
	}
	for _, f := range supportedFeatures {
		if f.Min == 0 && version < 4 {
			continue // clients before KAFKA-17011 cannot decode a minimum of 0
		}
		feature := kmsg.NewApiVersionsResponseSupportedFeature()
		feature.Name, feature.MinVersion, feature.MaxVersion = f.Name, f.Min, f.Max
		res.SupportedFeatures = append(res.SupportedFeatures, feature)
	}
	image := b.Image()
	res.FinalizedFeaturesEpoch = max(int64(image.Position().Offset), 0)
	for f := range image.Features() {
		feature := kmsg.NewApiVersionsResponseFinalizedFeature()
		feature.Name, feature.MinVersionLevel, feature.MaxVersionLevel = f.Name, f.Level, f.Level
		res.FinalizedFeatures = append(res.FinalizedFeatures, feature)
	}
	return res
}
