package config

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// value is a parsed value: text in its canonical form, and the field of its type.
type value struct {
	// text is what DescribeConfigs shows: blanks cut, numbers as Java prints them.
	text string
	// num is the value of an Int, Short or Long.
	num int64
	// real is the value of any number, for ranges.
	real float64
	// yes is the value of a Boolean.
	yes bool
	// list holds the elements of a List.
	list []string
	// set is false for a property without a value and without a default.
	set bool
}

// parse reads the text of a property's value and checks it. Errors have Kafka's wording.
func (k *Key) parse(text string) (value, *Error) {
	v, err := parseType(k, text)
	if err != nil {
		return value{}, err
	}
	if _, ok := k.Valid.(*validList); ok {
		v.list = dropRepeated(v.list)
		v.text = strings.Join(v.list, ",")
	}
	if k.Valid != nil {
		if err := k.Valid.check(k.Name, v); err != nil {
			return value{}, err
		}
	}
	return v, nil
}

func parseType(k *Key, text string) (value, *Error) {
	cut := trim(text)
	switch k.Type {
	case Boolean:
		if strings.EqualFold(cut, "true") {
			return value{text: "true", yes: true, set: true}, nil
		}
		if strings.EqualFold(cut, "false") {
			return value{text: "false", set: true}, nil
		}
		return value{}, badValue(k.Name, text, "Expected value to be either true or false")
	case Int, Short, Long:
		n, err := strconv.ParseInt(cut, 10, bits(k.Type))
		if err != nil {
			return value{}, badValue(k.Name, text, "Not a number of type "+k.Type.String())
		}
		return value{text: strconv.FormatInt(n, 10), num: n, real: float64(n), set: true}, nil
	case Double:
		f, ok := parseDouble(cut)
		if !ok {
			return value{}, badValue(k.Name, text, "Not a number of type DOUBLE")
		}
		return value{text: formatDouble(f), real: f, set: true}, nil
	case List:
		list := splitList(cut)
		return value{text: strings.Join(list, ","), list: list, set: true}, nil
	}
	return value{text: cut, set: true}, nil
}

func bits(t Type) int {
	switch t {
	case Short:
		return 16
	case Int:
		return 32
	}
	return 64
}

// trim cuts what Java's String.trim cuts: every character up to the blank, at both ends.
func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
}

// splitList splits at commas and cuts the blanks around each element; the empty text is the empty list.
func splitList(cut string) []string {
	if cut == "" {
		return []string{}
	}
	list := strings.Split(cut, ",")
	for i, element := range list {
		list[i] = strings.Trim(element, " \t\n\v\f\r")
	}
	return list
}

// dropRepeated keeps the first of equal elements, in order.
func dropRepeated(list []string) []string {
	kept := list[:0]
	for _, element := range list {
		if !slices.Contains(kept, element) {
			kept = append(kept, element)
		}
	}
	return kept
}

// parseDouble reads what Java's Double.parseDouble reads, but for hexadecimal numbers. Numbers that are too large
// become infinite, as there.
func parseDouble(s string) (float64, bool) {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 {
		return 0, false
	}
	if digits != "NaN" && digits != "Infinity" {
		if n := len(s); n > 0 && strings.ContainsRune("dDfF", rune(s[n-1])) {
			s = s[:n-1]
		}
		if strings.Trim(s, "0123456789.eE+-") != "" {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(strings.Replace(s, "NaN", "nan", 1), 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, digits == "NaN"
	}
	return f, true
}

// formatDouble writes f as Java's Double.toString does: with a point and at least one digit after it, and with an
// exponent below 1/1000 and from ten million on.
func formatDouble(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	if size := math.Abs(f); size == 0 || size >= 1e-3 && size < 1e7 {
		s := strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	if !strings.Contains(mantissa, ".") {
		mantissa += ".0"
	}
	n, _ := strconv.Atoi(exponent)
	return mantissa + "E" + strconv.Itoa(n)
}
