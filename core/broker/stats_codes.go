package broker

import (
	"reflect"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/gregor-log/gregor/core/wire"
)

// Which error codes a response holds is read off its type, once: Kafka calls every one of them ErrorCode, at the top,
// in the elements of arrays and in theirs. Counting them then visits those fields and no others, and allocates nothing.

// codePath is the way from a struct to error codes below it.
type codePath struct {
	// field is an error code itself if below is nil, else a slice of structs or a struct.
	field int
	below []codePath
}

// codePaths are the ways to the error codes of each API's responses, by key.
var codePaths = newCodePaths()

func newCodePaths() [wire.MaxKey + 1][]codePath {
	var paths [wire.MaxKey + 1][]codePath
	for key := range paths {
		if res := kmsg.ResponseForKey(int16(key)); res != nil {
			paths[key] = codePathsOf(reflect.TypeOf(res).Elem())
		}
	}
	return paths
}

func codePathsOf(t reflect.Type) []codePath {
	var paths []codePath
	for i := range t.NumField() {
		f := t.Field(i)
		kind := f.Type
		if kind.Kind() == reflect.Slice {
			kind = kind.Elem()
		}
		switch {
		case f.Name == "ErrorCode" && kind.Kind() == reflect.Int16:
			paths = append(paths, codePath{field: i})
		case kind.Kind() == reflect.Struct:
			if below := codePathsOf(kind); below != nil {
				paths = append(paths, codePath{field: i, below: below})
			}
		}
	}
	return paths
}

// failures counts the error codes of a response.
func (s *apiStats) failures(res kmsg.Response) {
	if key := res.Key(); s != nil && key >= 0 && int(key) < len(codePaths) {
		s.walk(reflect.ValueOf(res).Elem(), codePaths[key])
	}
}

func (s *apiStats) walk(v reflect.Value, paths []codePath) {
	for i := range paths {
		field := v.Field(paths[i].field)
		switch below := paths[i].below; {
		case below == nil:
			s.fail(int16(field.Int()))
		case field.Kind() == reflect.Struct:
			s.walk(field, below)
		default:
			for j := range field.Len() {
				s.walk(field.Index(j), below)
			}
		}
	}
}
