package broker

import "github.com/twmb/franz-go/pkg/kmsg"

// apiNames are names of Kafka's that differ from the codec's.
var apiNames = map[int16]string{
	22: "InitProducerId", 29: "DescribeAcls", 30: "CreateAcls", 31: "DeleteAcls", 17: "SaslHandshake",
	36: "SaslAuthenticate", 50: "DescribeUserScramCredentials", 51: "AlterUserScramCredentials",
	67: "AllocateProducerIds", 74: "ListConfigResources",
}

// APIName returns Kafka's name of an API, as it stands in the file names of its message definitions.
func APIName(key int16) string {
	if name := apiNames[key]; name != "" {
		return name
	}
	return kmsg.NameForKey(key)
}
