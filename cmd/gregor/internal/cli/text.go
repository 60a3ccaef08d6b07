package cli

import (
	"encoding/base64"
	"unicode/utf8"
)

// SplitText returns bytes as text if they are UTF-8, else in base64, else, for nil, neither: how keys and values stand
// in JSON.
func SplitText(p []byte) (text, encoded *string) {
	if p == nil {
		return nil, nil
	}
	s := string(p)
	if utf8.ValidString(s) {
		return &s, nil
	}
	s = base64.StdEncoding.EncodeToString(p)
	return nil, &s
}
