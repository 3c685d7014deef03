package cli

import (
	"context"
	"errors"
	"time"

	"github.com/claygate/claygate/client"
)

// retryEvery is how long a request to a gateway waits before it is made again.
const retryEvery = time.Second

// persist makes a request until the gateway answers, patience has run out or somebody interrupts. Only what does no harm
// when it comes twice may be asked for so.
func (e *remote) persist(ctx context.Context, ask func(context.Context) error) error {
	began := time.Now()
	for told := false; ; {
		err := e.once(ctx, ask)
		if err == nil || !client.Passing(err) || ctx.Err() != nil {
			return err
		}
		if e.gone() {
			return errGone
		}
		if time.Since(began) > e.flags.patience.or(defaultPatience) {
			return err
		}
		if !told {
			told = true
			message, _, _ := explain(err)
			e.show.line("%s: trying again", oneLine(message))
		}
		select {
		case <-time.After(max(retryEvery, retryAfter(err))):
		case <-e.streams.Interrupt:
			return errInterrupted
		case <-ctx.Done():
			return err
		}
	}
}

// once makes a request until it is answered or somebody interrupts.
func (e *remote) once(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answered := make(chan error, 1)
	go func() { answered <- ask(ctx) }()
	select {
	case err := <-answered:
		return err
	case <-e.streams.Interrupt:
		cancel()
		<-answered
		return errInterrupted
	}
}

func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return min(e.RetryAfter, 10*time.Second)
	}
	return 0
}

// explained says of a gateway that does not answer how to go on.
func (e *remote) explained(err error) error {
	if _, ok := errors.AsType[*client.Unreachable](err); !ok {
		return err
	}
	return &exitError{
		code: exitNetwork, early: true, message: "the gateway " + e.where + " does not answer",
		hint: "what it has goes on there; run the same command again when it answers: it goes on from here",
	}
}
