package clay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
)

// BatchOptions change how SendBatch works. The zero value is fine.
type BatchOptions struct {
	// Progress is called after every record, one call at a time, in the order in
	// which they end. It should return quickly. Default: none.
	Progress func(BatchProgress)
}

// BatchProgress is what has become of one record of a batch, and of all so far.
type BatchProgress struct {
	// Index is the record's place in the sequence, from 0.
	Index int
	// Receipt is Clay's answer, when Err is nil.
	Receipt Receipt
	// Err is nil or an *Error.
	Err error
	// Sent and Failed count the records so far, this one included.
	Sent, Failed int
}

// BatchResult counts what became of a batch. Sent plus Failed is the number of
// records that were read from the sequence.
type BatchResult struct {
	// Sent counts the records that Clay took, Failed all others.
	Sent, Failed int
	// Errors has an entry for every failed record, in the sequence's order.
	Errors []RecordError
}

// RecordError is a record of a batch that could not be sent.
type RecordError struct {
	// Index is the record's place in the sequence, from 0.
	Index int
	// Record is the record as it was given.
	Record any
	// Err says why, and by its MayDuplicate whether sending it again is safe.
	Err *Error
}

// Error returns the record's place and what went wrong; never the record itself.
func (e RecordError) Error() string { return fmt.Sprintf("record %d: %v", e.Index, e.Err) }

// Unwrap returns Err.
func (e RecordError) Unwrap() error { return e.Err }

// Records turns a sequence of one type into what SendBatch takes:
//
//	client.SendBatch(ctx, clay.Records(slices.Values(leads)), clay.BatchOptions{})
//
// A Table takes sequences of its own type as they are.
func Records[T any](seq iter.Seq[T]) iter.Seq[any] {
	if seq == nil {
		return nil
	}
	return func(yield func(any) bool) {
		for v := range seq {
			if !yield(v) {
				return
			}
		}
	}
}

// SendBatch sends every record of a sequence as Send does, several at a time and at
// the client's pace. A record that fails does not stop the others.
//
// The error is nil when all records were tried. SendBatch stops early when ctx ends
// or when a failure cannot but meet every record (401, 402, 403, 404, a redirect, a
// bad certificate, a Retry-After beyond Config.MaxElapsed); the error is then that
// one. What is in flight is completed unless ctx ended; what was read but not sent is
// among the failed, as not_sent; nothing more is read, so the records from index
// Sent+Failed on are untouched.
//
// Records are read one at a time, each when there is room to send it, so a sequence
// may be longer than memory. They are encoded before the next one is read. SendBatch
// returns within milliseconds of ctx's end, but cannot interrupt the sequence: one
// that waits for its next record should watch ctx, too.
func (c *Client) SendBatch(ctx context.Context, records iter.Seq[any], opts BatchOptions) (BatchResult, error) {
	if err := c.sends(); err != nil {
		return BatchResult{}, err
	}
	if records == nil {
		return BatchResult{}, refused(opBatch, KindInvalid, "give a sequence of records; an empty one is fine", errors.New("the sequence is nil"))
	}
	waits, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	b := &batch{c: c, ctx: ctx, waits: waits, stop: stop, opts: opts, room: make(chan struct{}, c.cfg.Concurrency)}
	b.feed(records)
	slices.SortFunc(b.result.Errors, func(x, y RecordError) int { return cmp.Compare(x.Index, y.Index) })
	return b.result, b.stopped()
}

const opBatch = "send batch"

type batch struct {
	c     *Client
	ctx   context.Context
	waits context.Context // ends with ctx, or when no record can succeed
	stop  context.CancelCauseFunc
	opts  BatchOptions
	room  chan struct{} // one per record that has been read and has not ended

	mu     sync.Mutex
	result BatchResult
}

// feed reads and sends until there is nothing to read or it makes no sense to.
func (b *batch) feed(records iter.Seq[any]) {
	var workers sync.WaitGroup
	defer workers.Wait()
	if !b.enter() {
		return
	}
	index := 0
	for record := range records {
		body, err := encodeRecord(opSend, record)
		if err != nil {
			b.ended(index, record, Receipt{}, asError(err))
			<-b.room
		} else {
			i := index
			workers.Go(func() {
				defer func() { <-b.room }()
				receipt, e := b.c.send(b.ctx, b.waits, body)
				b.ended(i, record, receipt, e)
			})
		}
		index++
		if !b.enter() {
			return
		}
	}
	<-b.room
}

// enter waits for room, before a record is read.
func (b *batch) enter() bool {
	if b.waits.Err() != nil {
		return false
	}
	select {
	case b.room <- struct{}{}:
		return true
	case <-b.waits.Done():
		return false
	}
}

func (b *batch) ended(index int, record any, receipt Receipt, e *Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := BatchProgress{Index: index, Receipt: receipt}
	if e == nil {
		b.result.Sent++
	} else {
		p.Err = e
		b.result.Failed++
		b.result.Errors = append(b.result.Errors, RecordError{Index: index, Record: record, Err: e})
		// Also when Clay wants to be left alone for longer than a Send waits: else every
		// record of the sequence would be read only to fail.
		if e.Kind.hopeless() || b.c.cfg.Pacer.paused() > b.c.cfg.MaxElapsed {
			b.stop(batchStop{e})
		}
	}
	p.Sent, p.Failed = b.result.Sent, b.result.Failed
	if b.opts.Progress != nil {
		b.opts.Progress(p)
	}
}

// stopped is why the batch stopped early, nil if it did not.
func (b *batch) stopped() error {
	cause := context.Cause(b.waits)
	if cause == nil {
		return nil
	}
	if stop, ok := cause.(batchStop); ok {
		return stop.first
	}
	return refused(opBatch, KindNotSent, "the errors of the batch say what may have been sent", whyEnded(b.ctx))
}

// batchStop is why the other records of a batch are not sent when one has failed that
// they cannot survive either. Its text is in their errors, what stopped it is not: they
// are not_sent, and nothing else.
type batchStop struct{ first *Error }

func (batchStop) Error() string { return "another record's failure stopped the batch" }

// hopeless reports whether a failure of this kind cannot but meet every record.
func (k Kind) hopeless() bool {
	switch k {
	case KindUnauthorized, KindPaymentRequired, KindForbidden, KindExhausted,
		KindNotFound, KindDeprecated, KindRedirect, KindConfig:
		return true
	default:
		return false
	}
}
