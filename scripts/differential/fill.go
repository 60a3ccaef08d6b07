package main

import (
	"fmt"
	"reflect"
	"strconv"
)

// filler makes kmsg structures of the notation. The names in it are resolved by the run: ids of topics, sessions and
// producers that the broker gave, and record batches.
type filler struct {
	run *run
}

// fill sets v, a settable value, to what n says. Structures get kmsg's defaults first.
func (f *filler) fill(v reflect.Value, n node) error {
	if n.kind == 'w' && n.word == "null" && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice) {
		v.SetZero()
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return f.fill(v.Elem(), n)
	case reflect.Struct:
		return f.structure(v, n)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			p, err := f.run.bytes(n.word)
			v.SetBytes(p)
			return err
		}
		return f.slice(v, n)
	case reflect.Array:
		id, err := f.run.topicID(n.word)
		v.Set(reflect.ValueOf(id).Convert(v.Type()))
		return err
	}
	return f.scalar(v, n)
}

func (f *filler) scalar(v reflect.Value, n node) error {
	if n.kind != 'w' {
		return fmt.Errorf("got %c, expected a word for %s", n.kind, v.Type())
	}
	switch {
	case v.Kind() == reflect.String:
		text, err := f.run.text(n.word)
		v.SetString(text)
		return err
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(n.word)
		v.SetBool(b)
		return err
	case v.CanInt():
		i, err := f.run.number(n.word)
		v.SetInt(i)
		if err == nil && v.Int() != i {
			err = fmt.Errorf("%d does not fit %s", i, v.Type())
		}
		return err
	}
	return fmt.Errorf("cannot fill %s", v.Type())
}

func (f *filler) structure(v reflect.Value, n node) error {
	if n.kind != '{' {
		return fmt.Errorf("got %q, expected a structure for %s", n.word, v.Type())
	}
	setDefaults(v)
	for _, field := range n.fields {
		x := v.FieldByName(field.name)
		if !x.IsValid() {
			return fmt.Errorf("%s has no field %q", v.Type(), field.name)
		}
		if err := f.fill(x, field.node); err != nil {
			return fmt.Errorf("%s: %w", field.name, err)
		}
	}
	return nil
}

func setDefaults(v reflect.Value) {
	if d, ok := v.Addr().Interface().(interface{ Default() }); ok {
		d.Default()
	}
}

func (f *filler) slice(v reflect.Value, n node) error {
	if n.kind != '[' {
		return fmt.Errorf("got %q, expected an array for %s", n.word, v.Type())
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.items), len(n.items)))
	for i, item := range n.items {
		if err := f.fill(v.Index(i), item); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}
