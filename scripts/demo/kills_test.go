package main

import (
	"testing"
	"time"
)

func TestSilenceAroundAKill(t *testing.T) {
	const ms = time.Millisecond
	l := &load{
		// The client handles acknowledgements that it had before the kill a little after it.
		acks:  []time.Duration{10 * ms, 90 * ms, 102 * ms, 101 * ms, 400 * ms, 410 * ms, 900 * ms},
		kills: []kill{{at: 100 * ms, ready: 300 * ms}, {at: 405 * ms, ready: 500 * ms}},
	}
	l.measureKills()
	if k := l.kills[0]; k.silenceFrom != 102*ms || k.silence != 298*ms {
		t.Errorf("first kill: got %v from %v, expected 298ms from 102ms", k.silence, k.silenceFrom)
	}
	if k := l.kills[1]; k.silenceFrom != 410*ms || k.silence != 490*ms {
		t.Errorf("second kill: got %v from %v, expected 490ms from 410ms", k.silence, k.silenceFrom)
	}
}

func TestRates(t *testing.T) {
	l := &load{took: time.Second}
	for i := range 101 {
		l.samples = append(l.samples, sample{time.Duration(i) * 10 * time.Millisecond, int64(i * 100)})
	}
	at, rate := l.rates()
	if len(at) < 18 || len(at) > 22 {
		t.Fatalf("got %d points of a second, expected about 20", len(at))
	}
	for i, r := range rate {
		if r < 9_999 || r > 10_001 {
			t.Errorf("at %v: got %v lines a second, expected 10000", at[i], r)
		}
	}
}
