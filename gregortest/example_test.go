//go:build unix

package gregortest_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/gregor-log/gregor/gregortest"
)

// TestHello is a whole test of a program that produces and consumes.
func TestHello(t *testing.T) {
	broker := gregortest.Start(t, gregortest.Topic("greetings", 1))
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addr()), kgo.ConsumeTopics("greetings"))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	sent := kgo.Record{Topic: "greetings", Value: []byte("hello")}
	if err := client.ProduceSync(t.Context(), &sent).FirstErr(); err != nil {
		t.Fatal(err)
	}
	if got := client.PollFetches(t.Context()).Records(); len(got) != 1 || string(got[0].Value) != "hello" {
		t.Errorf("got %v, expected one record that says hello", got)
	}
}
