package config

import "strings"

// Markdown returns a table of properties for the documentation: one row each, in the order given.
func Markdown(keys []*Key) string {
	var b strings.Builder
	b.WriteString("| Property | Type | Default | Valid values | Updates | gregor | Meaning |\n")
	b.WriteString("|---|---|---|---|---|---|---|\n")
	for _, key := range keys {
		valid := ""
		if key.Valid != nil {
			valid = key.Valid.String()
		}
		state := key.Status.String()
		if key.Why != "" {
			state += ": " + key.Why
		}
		cells := []string{
			key.Name, strings.ToLower(key.Type.String()), key.Default, valid, key.Update.String(), state, key.Doc,
		}
		for _, cell := range cells {
			b.WriteString("| " + strings.ReplaceAll(cell, "|", `\|`) + " ")
		}
		b.WriteString("|\n")
	}
	return b.String()
}
