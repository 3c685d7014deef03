package forward

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// ahead is how many times what can be sent at once a lane claims, so that connections need not wait for the ledger. All
// of it is tried within [ledger.DeliveryLease].
const ahead = 16

// lane delivers to one destination: it claims what is due, its workers send, and what became of it is written down.
type lane struct {
	*Forwarder
	name string
	to   *Destination

	claims context.Context // ends claiming and sending
	halt   context.CancelFunc
	sends  context.Context // ends what is being sent
	abort  context.CancelFunc

	slots   chan struct{} // one token for each batch that is being sent
	answers chan []ledger.DeliveryAnswer
	flights sync.WaitGroup
	blocked atomic.Bool // what was claimed last goes back: the destination takes nothing now
}

func newLane(f *Forwarder, name string, to *Destination) *lane {
	l := &lane{
		Forwarder: f, name: name, to: to, slots: make(chan struct{}, to.concurrency), answers: make(chan []ledger.DeliveryAnswer, to.concurrency),
	}
	l.sends, l.abort = context.WithCancel(context.Background())
	l.claims, l.halt = context.WithCancel(l.sends)
	return l
}

// run delivers until the lane is halted, or nothing is left for the host of callback URLs, and returns when all that was
// claimed is settled.
func (l *lane) run() {
	defer l.abort()
	var settler sync.WaitGroup
	settler.Go(l.settle)
	l.claim()
	l.flights.Wait()
	close(l.answers)
	settler.Wait()
	l.to.driver.close()
}

// claim claims what is due, and has it sent.
func (l *lane) claim() {
	changed, cancel := l.Hub.Subscribe(ledger.Outgoing(l.name))
	defer cancel()
	for l.claims.Err() == nil {
		got, err := l.Store.ClaimOutbox(l.sends, ledger.Outgoings{Destination: l.name, Max: l.to.room()})
		switch {
		case err != nil:
			l.trouble(err)
		case len(got.Work) > 0:
			l.send(got.Work)
		case got.Wait < 0 && ledger.IsCallback(l.name) && len(l.slots) == 0:
			l.retire(l)
			return
		default:
			ledger.Rest(l.claims, got.Wait, changed)
		}
	}
}

func (l *lane) trouble(err error) {
	if l.claims.Err() != nil {
		return
	}
	l.Log.Error("the ledger fails", "destination", l.name, "error", err)
	ledger.Rest(l.claims, troubleRest, nil)
}

// send has claimed deliveries sent, in batches, as connections become free.
func (l *lane) send(work []ledger.Delivery) {
	l.blocked.Store(false)
	messages, answers := l.messages(work)
	if len(answers) > 0 {
		l.answers <- answers
	}
	for batch := range slices.Chunk(messages, l.to.batch) {
		l.slots <- struct{}{}
		l.flights.Go(func() {
			answers := l.deliver(batch)
			for i := range answers {
				answers[i].Seq, answers[i].Revision, answers[i].Jitter = batch[i].delivery.Seq, batch[i].record.Revision, jitter()
			}
			<-l.slots
			l.answers <- answers
		})
	}
}

// messages reads the records of deliveries and makes messages of them. The answers are those of what there is no message
// for.
func (l *lane) messages(work []ledger.Delivery) (messages []message, answers []ledger.DeliveryAnswer) {
	ids := make([]ledger.RecordID, len(work))
	for i, d := range work {
		ids[i] = d.Record
	}
	read, err := l.Store.Records(l.sends, ids)
	records := make(map[ledger.RecordID]*ledger.Record, len(read))
	for i := range read {
		records[read[i].ID] = &read[i]
	}
	for _, d := range work {
		if err != nil {
			answers = append(answers, ledger.DeliveryAnswer{Seq: d.Seq, Outcome: ledger.Unsettled})
			continue
		}
		m, answer := l.to.message(l.View, d, records[d.Record])
		if answer.Outcome != "" {
			answer.Seq = d.Seq
			answers = append(answers, answer)
			continue
		}
		m.via = l.Via
		messages = append(messages, m)
	}
	return messages, answers
}

func unsettled(n int) []ledger.DeliveryAnswer {
	return slices.Repeat([]ledger.DeliveryAnswer{{Outcome: ledger.Unsettled}}, n)
}

// deliver makes one try for a batch, and says what went wrong.
func (l *lane) deliver(batch []message) []ledger.DeliveryAnswer {
	if l.claims.Err() != nil || l.blocked.Load() { // they go back unsent
		return unsettled(len(batch))
	}
	start := time.Now()
	answers := l.to.driver.deliver(l.sends, batch)
	if l.sends.Err() != nil { // it was broken off, and may have arrived: it goes again
		for i := range answers {
			if answers[i].Outcome != ledger.Delivered {
				answers[i] = ledger.DeliveryAnswer{Outcome: ledger.Unsettled}
			}
		}
	}
	for i, a := range answers {
		if a.Outcome == ledger.Unreachable || a.Outcome == ledger.Gone {
			l.blocked.Store(true)
		}
		if a.Outcome != ledger.Delivered && a.Outcome != ledger.Unsettled {
			l.Log.Warn("not delivered", "destination", l.name, "record", batch[i].record.ID, "event", batch[i].delivery.Event,
				"outcome", a.Outcome, "status", a.Status, "reason", a.Reason, "took", time.Since(start))
		}
	}
	return answers
}

// settleMost bounds what is written down together.
const settleMost = 256

// settle writes down what became of deliveries, many at a time, until there is nothing more.
func (l *lane) settle() {
	for answers := range l.answers {
		answers = append([]ledger.DeliveryAnswer(nil), answers...)
	gather:
		for len(answers) < settleMost {
			select {
			case more, open := <-l.answers:
				if !open {
					break gather
				}
				answers = append(answers, more...)
			default:
				break gather
			}
		}
		l.write(answers)
	}
}

// write tries until the ledger takes it: what was delivered would be delivered again otherwise. A lane that is broken
// off tries once more.
func (l *lane) write(answers []ledger.DeliveryAnswer) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), ledger.DeliveryLease)
		err := l.Store.SettleOutbox(ctx, l.name, answers)
		cancel()
		if err == nil {
			return
		}
		l.Log.Error("the ledger does not take what was delivered", "destination", l.name, "error", err)
		if l.sends.Err() != nil || ledger.KindOf(err) == ledger.Unavailable {
			return
		}
		ledger.Rest(l.sends, troubleRest, nil)
	}
}
