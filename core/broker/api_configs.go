package broker

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/base"
	"github.com/gregor-log/gregor/core/config"
	"github.com/gregor-log/gregor/replication/meta"
)

// DescribeConfigs (API key 32): versions 1-4. Synonyms and documentation are told to those who ask (KIP-226, KIP-524).
// No keys, or null, ask for all of them.

func (c *call) describeConfigs(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.DescribeConfigsRequest)
	res := kmsg.NewPtrDescribeConfigsResponse()
	told := 0
	for i := range req.Resources {
		asked := &req.Resources[i]
		found := kmsg.NewDescribeConfigsResponseResource()
		found.ResourceType, found.ResourceName = asked.ResourceType, asked.ResourceName
		found.Configs = []kmsg.DescribeConfigsResponseResourceConfig{}
		var entries []config.Entry
		err := c.b.checkAnswer(told)
		if err == nil {
			entries, err = c.b.describeResource(asked.ResourceType, asked.ResourceName)
			told += len(entries)
		}
		message := "" // and not null, as in Kafka
		if err != nil {
			found.ErrorCode, message = codeOf(err), err.Error()
		}
		found.ErrorMessage = &message
		for _, e := range entries {
			if len(asked.ConfigNames) == 0 || slices.Contains(asked.ConfigNames, e.Name) {
				found.Configs = append(found.Configs, describedEntry(e, req))
			}
		}
		res.Resources = append(res.Resources, found)
	}
	return res
}

// describeResource returns the entries of a topic or a broker.
func (b *Broker) describeResource(kind kmsg.ConfigResourceType, name string) ([]config.Entry, error) {
	image := b.Image()
	switch kind {
	case kmsg.ConfigResourceTypeTopic:
		if reason := meta.CheckTopicName(name); reason != "" {
			return nil, coded(invalidTopic, "%s", reason)
		}
		if image.Topic(name) == nil {
			return nil, coded(unknownTopic, "")
		}
		return config.DescribeTopic(b.config(), overrides(image, meta.ResourceTopic, name))
	case kmsg.ConfigResourceTypeBroker:
		if name == "" {
			return b.config().DescribeDefault(), nil
		}
		if err := b.checkBrokerName(name, "Broker", " or empty string,"); err != nil {
			return nil, err
		}
		return b.config().Describe(), nil
	case kmsg.ConfigResourceTypeBrokerLogger:
		if name == "" {
			return nil, coded(kerr.InvalidRequest.Code, "Broker id must not be empty")
		}
		if err := b.checkBrokerName(name, "Broker", ""); err != nil {
			return nil, err
		}
		return b.loggers.Describe(), nil
	case kmsg.ConfigResourceTypeGroupConfig:
		if name == "" {
			return nil, coded(kerr.InvalidRequest.Code, "Group name must not be empty")
		}
		return nil, nil // classic groups have no configs of their own
	}
	return nil, coded(kerr.InvalidRequest.Code, "%s", kerr.InvalidRequest.Description)
}

// checkBrokerName refuses a resource name that is not this broker's id, in the words that Kafka has for the occasion.
func (b *Broker) checkBrokerName(name, what, or string) error {
	id, err := strconv.ParseInt(name, 10, 32)
	if err != nil {
		return coded(kerr.InvalidRequest.Code, "%s id must be an integer, but it is: %s", what, name)
	}
	if base.NodeID(id) != b.nodeID {
		return coded(kerr.InvalidRequest.Code, "Unexpected broker id, expected %d%s but received %s", b.nodeID, or,
			name)
	}
	return nil
}

func describedEntry(e config.Entry, req *kmsg.DescribeConfigsRequest) kmsg.DescribeConfigsResponseResourceConfig {
	d := kmsg.NewDescribeConfigsResponseResourceConfig()
	d.Name, d.Value, d.ReadOnly, d.IsSensitive = e.Name, e.Value, e.ReadOnly, e.Sensitive
	d.Source, d.ConfigType = kmsg.ConfigSource(e.Source), kmsg.ConfigType(e.Type)
	d.ConfigSynonyms = []kmsg.DescribeConfigsResponseResourceConfigConfigSynonym{}
	if req.IncludeSynonyms {
		for _, s := range e.Synonyms {
			synonym := kmsg.NewDescribeConfigsResponseResourceConfigConfigSynonym()
			synonym.Name, synonym.Value, synonym.Source = s.Name, s.Value, kmsg.ConfigSource(s.Source)
			d.ConfigSynonyms = append(d.ConfigSynonyms, synonym)
		}
	}
	if req.IncludeDocumentation || e.Source == config.SourceLogger {
		doc := e.Documentation
		d.Documentation = &doc
	}
	return d
}

// alteration is a change of one resource's configs, from either of the two APIs.
type alteration struct {
	kind        kmsg.ConfigResourceType
	name        string
	ops         []config.Op
	incremental bool
	// dry says that nothing is to be changed.
	dry bool
}

// alteredResource is what an alteration is about.
type alteredResource struct {
	kind kmsg.ConfigResourceType
	name string
}

func (a *alteration) resource() alteredResource {
	return alteredResource{kind: a.kind, name: a.name}
}

// alterResult is the outcome of one alteration.
type alterResult struct {
	code    int16
	message *string
}

// AlterConfigs (API key 33): versions 0-2. It replaces all of a resource's configs.
func (c *call) alterConfigs(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.AlterConfigsRequest)
	var asked []alteration
	for _, resource := range req.Resources {
		a := alteration{kind: resource.ResourceType, name: resource.ResourceName}
		for _, set := range resource.Configs {
			a.ops = append(a.ops, config.Op{Name: set.Name, Kind: config.OpSet, Value: set.Value})
		}
		asked = append(asked, a)
	}
	return c.alter(asked, req.ValidateOnly, func(results []alterResult) kmsg.Response {
		res := kmsg.NewPtrAlterConfigsResponse()
		for i, a := range asked {
			done := kmsg.NewAlterConfigsResponseResource()
			done.ResourceType, done.ResourceName = a.kind, a.name
			done.ErrorCode, done.ErrorMessage = results[i].code, results[i].message
			res.Resources = append(res.Resources, done)
		}
		return res
	})
}

// IncrementalAlterConfigs (API key 44): versions 0-1 (KIP-339). It changes the configs that are named and no others.
func (c *call) incrementalAlterConfigs(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.IncrementalAlterConfigsRequest)
	var asked []alteration
	for _, resource := range req.Resources {
		a := alteration{kind: resource.ResourceType, name: resource.ResourceName, incremental: true}
		for _, op := range resource.Configs {
			a.ops = append(a.ops, config.Op{Name: op.Name, Kind: config.OpKind(op.Op), Value: op.Value})
		}
		asked = append(asked, a)
	}
	return c.alter(asked, req.ValidateOnly, func(results []alterResult) kmsg.Response {
		res := kmsg.NewPtrIncrementalAlterConfigsResponse()
		for i, a := range asked {
			done := kmsg.NewIncrementalAlterConfigsResponseResource()
			done.ResourceType, done.ResourceName = a.kind, a.name
			done.ErrorCode, done.ErrorMessage = results[i].code, results[i].message
			res.Resources = append(res.Resources, done)
		}
		return res
	})
}

// alter decides alterations, each by itself, and answers when they are committed.
func (c *call) alter(asked []alteration, dry bool, answer func([]alterResult) kmsg.Response) kmsg.Response {
	b := c.b
	results := make([]alterResult, len(asked))
	decide := func(do decider) {
		named := make(map[alteredResource]int)
		for i := range asked {
			named[asked[i].resource()]++
		}
		for i := range asked {
			err := coded(kerr.InvalidRequest.Code, "Each resource must appear at most once.")
			asked[i].dry = dry
			if named[asked[i].resource()] == 1 {
				err = b.alterResource(&asked[i], do)
			}
			if err != nil {
				results[i].code, results[i].message = codeAndMessage(err)
			}
		}
	}
	if dry {
		decide(b.dryRun())
		return answer(results)
	}
	reply := c.pending()
	b.change(c.now, c.out, decide, func(_ base.Instant, err error, out *Effects) {
		for i := range results {
			if err != nil && results[i].code == noCode {
				results[i].code, results[i].message = codeAndMessage(err)
			}
		}
		reply.reply(answer(results), out)
	})
	return nil
}

// alterResource validates one alteration and puts it to the controller.
func (b *Broker) alterResource(a *alteration, do decider) error {
	if a.kind == kmsg.ConfigResourceTypeBrokerLogger && a.incremental {
		return b.alterLoggers(a)
	}
	resource, err := b.alterable(a, do.Image())
	if err != nil {
		return err
	}
	current := overrides(do.Image(), resource.Type, resource.Name)
	altered, err := b.alteredConfigs(a, current)
	if err != nil {
		code, message := configCode(err)
		return coded(code, "%s", message)
	}
	if _, refused := do.Do(commandFor(resource, a, current, altered)); refused != nil {
		return refused
	}
	return nil
}

// alterLoggers changes the levels of this broker's loggers. The metadata knows nothing of them.
func (b *Broker) alterLoggers(a *alteration) error {
	id, err := strconv.ParseInt(a.name, 10, 32)
	if err != nil {
		return coded(kerr.InvalidRequest.Code, "Node id must be an integer, but it is: %s", a.name)
	}
	if base.NodeID(id) != b.nodeID {
		return coded(kerr.InvalidRequest.Code, "Unexpected node id. Expected %d, but received %d", b.nodeID, id)
	}
	if err := b.loggers.Alter(a.ops, a.dry); err != nil {
		code, message := configCode(err)
		return coded(code, "%s", message)
	}
	return nil
}

// alterable finds the resource that an alteration is about.
func (b *Broker) alterable(a *alteration, image *meta.Image) (meta.ConfigResource, error) {
	switch a.kind {
	case kmsg.ConfigResourceTypeTopic:
		resource := meta.ConfigResource{Type: meta.ResourceTopic, Name: a.name}
		if a.name == "" {
			return resource, coded(kerr.InvalidRequest.Code, "Default topic resources are not allowed.")
		}
		if reason := meta.CheckTopicName(a.name); reason != "" {
			return resource, coded(invalidTopic, "%s", reason)
		}
		if image.Topic(a.name) == nil {
			return resource, coded(unknownTopic, "The topic '%s' does not exist.", a.name)
		}
		return resource, nil
	case kmsg.ConfigResourceTypeBroker:
		resource := meta.ConfigResource{Type: meta.ResourceBroker, Name: a.name}
		if a.name == "" {
			return resource, nil
		}
		return resource, b.checkBrokerName(a.name, "Node", ",")
	}
	return meta.ConfigResource{}, coded(kerr.InvalidRequest.Code, "Unknown resource type %d", a.kind)
}

// alteredConfigs returns all configs of a resource after an alteration.
func (b *Broker) alteredConfigs(a *alteration, current map[string]string) (map[string]string, error) {
	if !a.incremental {
		current = nil
	}
	if a.kind == kmsg.ConfigResourceTypeTopic {
		return config.AlterTopic(b.config(), current, a.ops)
	}
	return config.AlterBroker(b.config(), a.name == "", current, a.ops)
}

// commandFor returns the command that makes current into altered.
func commandFor(resource meta.ConfigResource, a *alteration, current, altered map[string]string) meta.Command {
	if !a.incremental {
		return meta.ReplaceConfigs{Resource: resource, Entries: entriesOf(altered)}
	}
	cmd := meta.AlterConfigs{Resource: resource}
	seen := make(map[string]bool)
	for _, op := range a.ops {
		if seen[op.Name] {
			continue
		}
		seen[op.Name] = true
		value, ok := altered[op.Name]
		if ok {
			cmd.Set = append(cmd.Set, meta.ConfigEntry{Name: op.Name, Value: value})
		} else if _, was := current[op.Name]; was {
			cmd.Delete = append(cmd.Delete, op.Name)
		}
	}
	return cmd
}

// ListConfigResources (API key 74): versions 0-1 (KIP-1142). Version 0 lists client metrics, of which there are none.
func (c *call) listConfigResources(r kmsg.Request) kmsg.Response {
	req := r.(*kmsg.ListConfigResourcesRequest)
	res := kmsg.NewPtrListConfigResourcesResponse()
	res.ConfigResources = []kmsg.ListConfigResourcesResponseConfigResource{}
	if req.Version == 0 {
		return res
	}
	known := []int8{
		int8(meta.ResourceTopic), int8(meta.ResourceBroker), int8(meta.ResourceBrokerLogger),
		int8(meta.ResourceClientMetrics), int8(meta.ResourceGroup),
	}
	kinds := req.ResourceTypes
	if len(kinds) == 0 {
		kinds = known
	}
	image := c.b.Image()
	told := make(map[int8]bool)
	for _, kind := range kinds {
		if told[kind] {
			continue
		}
		told[kind] = true
		if !slices.Contains(known, kind) {
			refused := kmsg.NewPtrListConfigResourcesResponse()
			refused.ErrorCode = kerr.UnsupportedVersion.Code
			return refused
		}
		for _, name := range resourceNames(image, kind) {
			found := kmsg.NewListConfigResourcesResponseConfigResource()
			found.Name, found.Type = name, kind
			res.ConfigResources = append(res.ConfigResources, found)
		}
	}
	return res
}

// resourceNames lists the resources of a kind.
func resourceNames(image *meta.Image, kind int8) []string {
	var names []string
	switch meta.ResourceType(kind) {
	case meta.ResourceTopic:
		for t := range image.Topics() {
			names = append(names, t.Name)
		}
	case meta.ResourceBroker, meta.ResourceBrokerLogger:
		for node := range image.Brokers() {
			names = append(names, fmt.Sprint(node.ID))
		}
	}
	return names
}
