package meta

import "strings"

// maxTopicName is the longest topic name: with "-", a partition number and a suffix it must fit a file name of 255.
const maxTopicName = 249

// metadataTopic is the name of the metadata log itself, which nobody may create.
const metadataTopic = "__cluster_metadata"

// CheckTopicName returns why name cannot be a topic's, in Kafka's words, or "" if it can: 1 to 249 of the characters
// a-z A-Z 0-9 . _ -, and neither "." nor "..", which are directories.
func CheckTopicName(name string) string {
	const prefix = "Topic name is invalid: "
	switch {
	case name == "":
		return prefix + "the empty string is not allowed"
	case name == "." || name == "..":
		return prefix + "'" + name + "' is not allowed"
	case len(name) > maxTopicName:
		return prefix + "the length of '" + name + "' is longer than the max allowed length 249"
	}
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && !('0' <= c && c <= '9') && c != '.' && c != '_' && c != '-' {
			return prefix + "'" + name +
				"' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
		}
	}
	return ""
}

// similarName is equal for topic names that must not both exist: Kafka's metric names turn '.' into '_', so a.b and a_b
// would be counted together.
func similarName(name string) string {
	return strings.ReplaceAll(name, ".", "_")
}
