package config

// Type is the type of a property's value. The numbers are those of DescribeConfigs (KIP-569).
type Type int8

// The types of properties.
const (
	// Unknown is the type of a property that is in none of the tables.
	Unknown Type = iota
	// Boolean is true or false, in any case.
	Boolean
	// String is text.
	String
	// Int is a signed integer of 32 bits.
	Int
	// Short is a signed integer of 16 bits.
	Short
	// Long is a signed integer of 64 bits.
	Long
	// Double is a floating point number of 64 bits.
	Double
	// List is text elements separated by commas.
	List
	// Class is the name of a Java class. gregor keeps the text and loads nothing.
	Class
	// Password is text that is never shown.
	Password
)

var typeNames = [...]string{
	"UNKNOWN", "BOOLEAN", "STRING", "INT", "SHORT", "LONG", "DOUBLE", "LIST", "CLASS", "PASSWORD",
}

// String returns Kafka's name of the type, which stands in its error messages.
func (t Type) String() string {
	return typeNames[t]
}

// Importance says how likely a property is to be changed by an operator, in Kafka's judgement.
type Importance int8

// The levels of importance.
const (
	High Importance = iota
	Medium
	Low
)

var importanceNames = [...]string{"HIGH", "MEDIUM", "LOW"}

// String returns Kafka's name of the level.
func (i Importance) String() string {
	return importanceNames[i]
}

// Update says whether and for whom a broker's property may be altered while it runs (KIP-226).
type Update int8

// The modes of updating. Topic properties are all ClusterWide.
const (
	// ReadOnly properties come from server.properties alone.
	ReadOnly Update = iota
	// PerBroker properties may be altered for one broker.
	PerBroker
	// ClusterWide properties may be altered for one broker or for all.
	ClusterWide
)

var updateNames = [...]string{"read-only", "per-broker", "cluster-wide"}

// String returns Kafka's name of the mode.
func (u Update) String() string {
	return updateNames[u]
}

// Status is what gregor does with a property.
type Status int8

// The states of a property in gregor.
const (
	// Works marks a property with the effect that it has in Kafka.
	Works Status = iota
	// Later marks a property of a feature that gregor does not have yet: it is checked, kept and described.
	Later
	// NoEffect marks a property of something that gregor, by its design, has no use for.
	NoEffect
)

var statusNames = [...]string{"works", "later", "no effect"}

// String returns the state as the documentation writes it.
func (s Status) String() string {
	return statusNames[s]
}

// Marks in the column of defaults, written as in Kafka's own documentation.
const (
	// null is the default of a property that has no value until it is set.
	null = "null"
	// required is the default of a property that Kafka wants to be set; gregor falls back on fallback.
	required = "(required)"
)

// Key is one row of the tables: all that is known about one property. Keys are shared; nobody may change them.
type Key struct {
	// Name is the property's name.
	Name string
	// Type is the type of its values.
	Type Type
	// Default is the text of Kafka's default; "null" if there is none, "(required)" if Kafka wants it to be set.
	Default string
	// Valid checks values beyond their type; nil accepts all.
	Valid Validator
	// Importance is Kafka's judgement of how often the property matters.
	Importance Importance
	// Update is how it may be altered while the broker runs.
	Update Update
	// Status is what gregor does with it, and Why names the awaited feature or the reason for no effect.
	Status Status
	// Why is empty where Status is Works.
	Why string
	// Doc is one sentence of documentation.
	Doc string
	// Defaults names the broker properties that give a topic property its default, the strongest first.
	Defaults []string
	// Hidden properties are described only when they are set: Kafka's internal ones, and dynamic quotas.
	Hidden bool
}

// standing is a Status with its reason, as the rows of the tables write it.
type standing struct {
	status Status
	why    string
}

var works = standing{status: Works}

func later(feature string) standing   { return standing{Later, feature} }
func noEffect(reason string) standing { return standing{NoEffect, reason} }

func brokerKey(name string, t Type, def string, valid Validator, i Importance, u Update, s standing, doc string) Key {
	return Key{
		Name: name, Type: t, Default: def, Valid: valid, Importance: i, Update: u,
		Status: s.status, Why: s.why, Doc: doc,
	}
}

func hiddenKey(name string, t Type, def string, valid Validator, i Importance, u Update, s standing, doc string) Key {
	k := brokerKey(name, t, def, valid, i, u, s, doc)
	k.Hidden = true
	return k
}

func topicKey(
	name string, t Type, def string, valid Validator, i Importance, s standing, doc string, defaults ...string,
) Key {
	k := brokerKey(name, t, def, valid, i, ClusterWide, s, doc)
	k.Defaults = defaults
	k.Hidden = def == null
	return k
}

// fallback returns the default that gregor uses: Kafka's, but for the properties that Kafka requires and that one node
// can do without. ok is false where there is no value.
func (k *Key) fallback() (text string, ok bool) {
	switch {
	case k.Default == null:
		return "", false
	case k.Default != required:
		return k.Default, true
	case k.Name == "node.id":
		return "1", true
	case k.Name == "process.roles":
		return "broker,controller", true
	}
	return "CONTROLLER", true // controller.listener.names
}

// sensitive reports whether the property's values must not be shown.
func (k *Key) sensitive() bool {
	return k.Type == Password
}

// dynamicOnly reports whether the property has a place in the dynamic layers alone: the rates of throttled replication.
func (k *Key) dynamicOnly() bool {
	return k.Hidden && k.Update != ReadOnly
}

// The features that rows wait for, as notices and the documentation name them.
const (
	acls             = "ACLs"
	clientTelemetry  = "client telemetry"
	consumerGroups   = "the consumer group protocol (KIP-848)"
	cordonedDirs     = "cordoned log directories"
	delegationTokens = "delegation tokens"
	kerberos         = "Kerberos"
	logCompaction    = "log compaction"
	metadataQuorum   = "the metadata quorum"
	oauth            = "OAuth"
	queueLimit       = "a limit on the bytes of waiting requests"
	quotas           = "quotas"
	replication      = "replication"
	sasl             = "SASL"
	shareGroups      = "share groups"
	streamsGroups    = "streams groups"
	tieredStorage    = "tiered storage"
	tls              = "TLS"
	transactions     = "transactions"
)

// The reasons why rows have no effect.
const (
	noGathering    = "the coordinator appends its records as it decides them"
	noLoadBuffer   = "the coordinator reads its log batch by batch"
	noEarlyStart   = "all listeners open at the same time"
	noJavaClasses  = "gregor loads no Java classes"
	noProviders    = "values are taken as they stand"
	noPurgatory    = "waiting requests are woken by what they wait for, and none are left to purge"
	noRequestQueue = "requests are served as they are read, without a queue between"
	noSamples      = "metrics are counters and histograms, without sampling"
	noStartupLimit = "the start takes no time limit"
	noThreadPools  = "there are no pools of threads to size"
	noUnstable     = "no unstable versions are served"
	segmentsGrow   = "segment files grow as they are written"
	systemBacklog  = "the operating system's largest backlog is used"
)
