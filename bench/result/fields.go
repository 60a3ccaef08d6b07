package result

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// Field is one key with its value: a string, a bool or a number. A number's key ends with its unit.
type Field struct {
	Key   string
	Value any
}

// Fields is a JSON object whose keys keep their order.
type Fields []Field

var _ json.Marshaler = Fields(nil)

// Add appends a field.
func (f *Fields) Add(key string, value any) {
	*f = append(*f, Field{Key: key, Value: value})
}

// MarshalJSON writes the fields as one object in their order. Numbers keep five significant digits; one that is not
// finite is null.
func (f Fields) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, field := range f {
		if i > 0 {
			out.WriteByte(',')
		}
		key, err := json.Marshal(field.Key)
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", field.Key, err)
		}
		value, err := json.Marshal(plain(field.Value))
		if err != nil {
			return nil, fmt.Errorf("value of %q: %w", field.Key, err)
		}
		out.Write(key)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// plain returns what JSON can say of a value.
func plain(value any) any {
	v, ok := value.(float64)
	switch {
	case !ok:
		return value
	case math.IsNaN(v) || math.IsInf(v, 0):
		return nil
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 5, 64), 64)
	if err != nil || math.Abs(v) >= 1e5 {
		return math.Round(v)
	}
	return rounded
}

// Map returns the fields as JSON would have them, without their order.
func (f Fields) Map() map[string]any {
	m := make(map[string]any, len(f))
	for _, field := range f {
		m[field.Key] = plain(field.Value)
	}
	return m
}
