package meta

import (
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/gregor-log/gregor/base"
)

// Command is something that a client or a broker asks of the controller. Commands are plain structs of this package.
type Command interface {
	// Decide returns the records that carry the command out when applied to m, or the error to answer with. No records
	// and no error means that all is as asked for already. It reads nothing but the command and m, so a command with
	// validate_only is one that is decided and not done.
	Decide(m *Image) ([]Record, *Error)
}

var (
	_ Command = CreateTopic{}
	_ Command = DeleteTopic{}
	_ Command = CreatePartitions{}
	_ Command = AlterConfigs{}
	_ Command = ReplaceConfigs{}
	_ Command = RegisterBroker{}
	_ Command = AllocateProducerIDs{}
	_ Command = UpdateFeature{}
	_ Command = Bootstrap{}
)

// Controller is the writer's side of metadata. It keeps the speculative image: the committed one plus all that was
// decided and is still on its way to the log, so that commands are decided one after another without waiting for the
// log, and none contradicts an earlier one. It is not safe for concurrent use: there is one writer.
type Controller struct {
	// Invariant: image is the committed image with the records of all batches since Reset applied.
	image *Image
	epoch base.LeaderEpoch
}

// Batch is what a command came to: records to append to the log atomically.
type Batch struct {
	// Records may be empty, when there was nothing to change. Even then the answer must wait until everything before
	// it is committed, since that may be what made it so.
	Records []Record
	// Last is where the last record stands if each record takes one offset after those before it. Where the log puts
	// other things between them, as a new leader's first entry, the true offsets are higher; they are given to Apply.
	Last Position
	// Image is the speculative image with the records applied, to build the reply from. The command holds only once
	// the batch is committed.
	Image *Image
}

// NewController returns the controller of a writer of that epoch, which begins at the committed image.
func NewController(committed *Image, epoch base.LeaderEpoch) *Controller {
	return &Controller{image: committed, epoch: max(epoch, committed.Position().Epoch)}
}

// Image is the speculative image.
func (c *Controller) Image() *Image { return c.image }

// Reset forgets all that was decided and is not in committed: after a failed append, or when another writer took over.
func (c *Controller) Reset(committed *Image, epoch base.LeaderEpoch) {
	*c = *NewController(committed, epoch)
}

// Do decides cmd against the speculative image and applies what was decided to it. On an error nothing has changed.
func (c *Controller) Do(cmd Command) (Batch, *Error) {
	records, refused := cmd.Decide(c.image)
	if refused != nil {
		return Batch{}, refused
	}
	last := c.image.Position()
	if len(records) > 0 {
		last = Position{Offset: last.Offset + base.Offset(len(records)), Epoch: c.epoch}
	}
	next, _, err := c.image.Apply(last, records...)
	if err != nil {
		// A decision that its own image refuses is a fault of this package, but no reason to take the broker down.
		return Batch{}, refuse(kerr.UnknownServerError, "%v", err)
	}
	c.image = next
	return Batch{Records: records, Last: last, Image: next}, nil
}
