package config

import (
	"slices"
	"strconv"
	"strings"
)

// Validator checks values beyond their type. Validators are shared and hold no state.
type Validator interface {
	// String describes the valid values, in the words of Kafka's documentation.
	String() string
	check(name string, v value) *Error
}

var (
	_ Validator = (*validRange)(nil)
	_ Validator = (*validString)(nil)
	_ Validator = (*validList)(nil)
	_ Validator = validFunc{}
)

// validRange accepts numbers from min to max, inclusive; either end may be open.
type validRange struct {
	min, max       float64
	hasMin, hasMax bool
}

func atLeast(min float64) Validator      { return &validRange{min: min, hasMin: true} }
func between(min, max float64) Validator { return &validRange{min, max, true, true} }

func (r *validRange) String() string {
	if !r.hasMax {
		return "[" + plain(r.min) + ",...]"
	}
	return "[" + plain(r.min) + ",...," + plain(r.max) + "]"
}

func (r *validRange) check(name string, v value) *Error {
	if r.hasMin && v.real < r.min {
		return badValue(name, v.text, "Value must be at least "+plain(r.min))
	}
	if r.hasMax && v.real > r.max {
		return badValue(name, v.text, "Value must be no more than "+plain(r.max))
	}
	return nil
}

func plain(f float64) string {
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// validString accepts the strings that it lists, in any case if fold is set.
type validString struct {
	values []string
	fold   bool
}

func oneOf(values ...string) Validator     { return &validString{values: values} }
func oneOfFold(values ...string) Validator { return &validString{values: values, fold: true} }

func (s *validString) String() string {
	list := "[" + strings.Join(s.values, ", ") + "]"
	if s.fold {
		return "(case insensitive) " + list
	}
	return list
}

func (s *validString) check(name string, v value) *Error {
	return s.checkText(name, v.text)
}

func (s *validString) checkText(name, text string) *Error {
	if slices.Contains(s.values, text) {
		return nil
	}
	if s.fold && slices.ContainsFunc(s.values, func(each string) bool { return strings.EqualFold(each, text) }) {
		return nil
	}
	expected := "String must be one of: "
	if s.fold {
		expected = "String must be one of (case insensitive): "
	}
	return badValue(name, text, expected+strings.Join(s.values, ", "))
}

// allowance says what a list may be besides a list of elements.
type allowance int8

const (
	notEmpty allowance = iota
	mayBeEmpty
	mayBeNull
	mayBeNullOrEmpty
)

// validList accepts lists without empty elements; if values are given, of those alone. Repeated elements are dropped
// before it is asked.
type validList struct {
	allowed allowance
	values  validString
}

func listOf(allowed allowance, values ...string) Validator {
	return &validList{allowed, validString{values: values}}
}

func (l *validList) String() string {
	if len(l.values.values) == 0 {
		return ""
	}
	return l.values.String()
}

func (l *validList) check(name string, v value) *Error {
	if len(v.list) == 0 && (l.allowed == notEmpty || l.allowed == mayBeNull) {
		expected := "any non-empty value"
		if len(l.values.values) > 0 {
			expected = l.values.String()
		}
		return configError("Configuration '" + name + "' must not be empty. Valid values include: " + expected)
	}
	for _, element := range v.list {
		if element == "" {
			return configError("Configuration '" + name + "' values must not be empty.")
		}
		if len(l.values.values) == 0 {
			continue
		}
		if err := l.values.checkText(name, element); err != nil {
			return err
		}
	}
	return nil
}

// validFunc is a check of its own for one or two properties.
type validFunc struct {
	describe string
	accept   func(name string, v value) *Error
}

func (f validFunc) String() string                    { return f.describe }
func (f validFunc) check(name string, v value) *Error { return f.accept(name, v) }

var (
	nonEmpty = validFunc{"non-empty string", func(name string, v value) *Error {
		if v.text == "" {
			return badValue(name, v.text, "String must be non-empty")
		}
		return nil
	}}
	// nonNull is in the tables because it is in Kafka's: a value that is set is never null.
	nonNull   = validFunc{"non-null string", func(string, value) *Error { return nil }}
	gzipLevel = validFunc{"[1,...,9] or -1", func(name string, v value) *Error {
		if v.num != -1 && (v.num < 1 || v.num > 9) {
			return badValue(name, v.text, "Value must be between 1 and 9 or equal to -1")
		}
		return nil
	}}
	throttledReplicas = validFunc{replicaPairs, checkThrottled}
	quorumVoters      = validFunc{"non-empty list", checkVoters}
	bootstrapServers  = validFunc{"non-empty list", checkBootstrap}
)

const replicaPairs = "[partitionId]:[brokerId],[partitionId]:[brokerId],..."

// checkThrottled accepts a lone asterisk, and elements of two numbers with a colon between; as in Kafka, empty elements
// pass.
func checkThrottled(name string, v value) *Error {
	if v.text == "*" {
		return nil
	}
	for _, element := range v.list {
		partition, broker, ok := strings.Cut(element, ":")
		if element != "" && (!ok || !isDigits(partition) || !isDigits(broker)) {
			return badValue(name, "["+strings.Join(v.list, ", ")+"]", name+
				" must be the literal '*' or a list of replicas in the following format: "+replicaPairs)
		}
	}
	return nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
