package workload_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/gregor-log/gregor/consistency/workload"
	"github.com/gregor-log/gregor/netsim/clock"
)

func TestSmoke(t *testing.T) {
	from, to := 1, 5
	if s := os.Getenv("SEEDS"); s != "" {
		fmt.Sscanf(s, "%d-%d", &from, &to)
	}
	scenario := os.Getenv("SCENARIO")
	d := 5 * time.Second
	if s := os.Getenv("FOR"); s != "" {
		d, _ = time.ParseDuration(s)
	}
	for seed := from; seed <= to; seed++ {
		plan, err := workload.NewPlan(uint64(seed), scenario, d)
		if err != nil {
			t.Fatal(err)
		}
		var o workload.Options
		o.Mutation = os.Getenv("MUTATE")
		if os.Getenv("LOG") != "" {
			o.Log = func(at clock.Time, format string, args ...any) {
				fmt.Printf("%10.6f "+format+"\n", append([]any{time.Duration(at).Seconds()}, args...)...)
			}
		}
		t0 := time.Now()
		res, err := workload.Run(plan, o)
		if err != nil {
			t.Fatal(err)
		}
		wall := time.Since(t0)
		v := ""
		if res.Violation != nil {
			v = fmt.Sprintf("%+v", *res.Violation)
		}
		fmt.Println(seed, res.Verdict, res.Why, res.Class, "events", res.Events, "sim", res.SimSeconds, "wall", wall.Round(time.Millisecond),
			strconv.Itoa(int(float64(res.Events)/wall.Seconds()))+"/s", "acked", res.AckedRecords, "read", res.ReadRecords, "lost", res.LostRecords, "restarts", res.Restarts, res.TraceSHA256[:8], v)
	}
}
