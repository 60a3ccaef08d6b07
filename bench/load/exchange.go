//go:build linux

package load

import (
	"encoding/json"
	"fmt"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// exchanged is a result on its way from one process to another.
type exchanged struct {
	Result
	// Histogram takes the place of Latency, as HdrHistogram's own encoding.
	Histogram string
}

// Encode writes a result as one line of JSON, for the process that started this one.
func (r Result) Encode() ([]byte, error) {
	out := exchanged{Result: r}
	if r.Latency != nil {
		encoded, err := r.Latency.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
		if err != nil {
			return nil, err
		}
		out.Histogram = string(encoded)
	}
	out.Latency = nil
	return json.Marshal(out)
}

// DecodeResult reads what Encode wrote.
func DecodeResult(line []byte) (Result, error) {
	var in exchanged
	if err := json.Unmarshal(line, &in); err != nil {
		return Result{}, fmt.Errorf("%w: got %q: %w", ErrAnswer, line, err)
	}
	if in.Histogram != "" {
		var err error
		if in.Latency, err = hdrhistogram.Decode([]byte(in.Histogram)); err != nil {
			return Result{}, fmt.Errorf("%w: latencies: %w", ErrAnswer, err)
		}
	}
	return in.Result, nil
}
