package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// entityOutcome is what became of one entity.
type entityOutcome struct {
	Entity string `json:"entity"`
	failure
}

// title implements reported.
func (o entityOutcome) title() string { return o.Entity }

// describedEntity is an entity with its properties, in the order of their names.
type describedEntity struct {
	entityOutcome
	Configs []property `json:"configs"`
	own     kmsg.ConfigSource
}

// property is one property of an entity. Value is null where it is hidden, or not set.
type property struct {
	Name      string    `json:"name"`
	Value     *string   `json:"value"`
	Source    string    `json:"source"`
	Type      string    `json:"type"`
	ReadOnly  bool      `json:"read_only"`
	Sensitive bool      `json:"sensitive"`
	Synonyms  []synonym `json:"synonyms,omitempty"`
	About     string    `json:"documentation,omitempty"`
}

// synonym is a value that stands behind another, which it would be without that.
type synonym struct {
	Name   string  `json:"name"`
	Value  *string `json:"value"`
	Source string  `json:"source"`
}

// errNoAnswer reports something that the broker left out of its answer.
var errNoAnswer = errors.New("the broker did not answer for it")

// describeEntities asks for properties, with synonyms and documentation if verbose says so.
func describeEntities(
	ctx context.Context, client *kgo.Client, entities []entity, verbose bool,
) ([]describedEntity, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	req.IncludeSynonyms, req.IncludeDocumentation = verbose, verbose
	for _, e := range entities {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName = e.kind, e.name
		req.Resources = append(req.Resources, r)
	}
	found, failed := map[entity]kmsg.DescribeConfigsResponseResource{}, error(nil)
	for _, shard := range client.RequestSharded(ctx, req) {
		if shard.Err != nil {
			failed = fmt.Errorf("describe configs: %w", shard.Err)
			continue
		}
		for _, r := range shard.Resp.(*kmsg.DescribeConfigsResponse).Resources {
			found[entity{r.ResourceType, r.ResourceName}] = r
		}
	}
	if len(found) == 0 && failed != nil {
		return nil, failed
	}
	out := make([]describedEntity, 0, len(entities))
	for _, e := range entities {
		d := describedEntity{own: e.own(), Configs: []property{}}
		d.Entity = e.String()
		r, ok := found[e]
		if !ok {
			d.fail(cmp.Or(failed, errNoAnswer), "")
		}
		d.fail(kerr.ErrorForCode(r.ErrorCode), said(r.ErrorMessage))
		for _, each := range r.Configs {
			d.Configs = append(d.Configs, newProperty(each))
		}
		slices.SortFunc(d.Configs, func(a, b property) int { return cmp.Compare(a.Name, b.Name) })
		out = append(out, d)
	}
	return out, nil
}

func newProperty(c kmsg.DescribeConfigsResponseResourceConfig) property {
	p := property{
		Name: c.Name, Value: c.Value, Source: c.Source.String(), Type: c.ConfigType.String(), ReadOnly: c.ReadOnly,
		Sensitive: c.IsSensitive, About: said(c.Documentation),
	}
	for _, s := range c.ConfigSynonyms {
		p.Synonyms = append(p.Synonyms, synonym{s.Name, s.Value, s.Source.String()})
	}
	return p
}

// said returns a text that may be null.
func said(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// alterEntity alters properties of one entity. The error is that of the request; the outcome holds the broker's.
func alterEntity(
	ctx context.Context, client *kgo.Client, e entity, alterations []kadm.AlterConfig, dry bool,
) (entityOutcome, error) {
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	req.ValidateOnly = dry
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = e.kind, e.name
	for _, a := range alterations {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Value, c.Op = a.Name, a.Value, kmsg.IncrementalAlterConfigOp(a.Op)
		r.Configs = append(r.Configs, c)
	}
	req.Resources = append(req.Resources, r)
	o := entityOutcome{Entity: e.String()}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return o, fmt.Errorf("alter configs: %w", err)
	}
	if len(resp.Resources) == 0 {
		o.fail(errNoAnswer, "")
	}
	for _, r := range resp.Resources {
		o.fail(kerr.ErrorForCode(r.ErrorCode), said(r.ErrorMessage))
	}
	return o, nil
}
