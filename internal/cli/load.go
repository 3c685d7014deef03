package cli

import (
	"context"
	"errors"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"github.com/claygate/claygate/client"
	"github.com/claygate/claygate/internal/app"
	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/sheet"
)

// load is one run of a file's rows to Clay.
type load struct {
	streams     Streams
	flags       loadFlags
	await       bool   // results are awaited
	callbackURL string // what the table's column must call; "" where that is not this command's to say

	input    *input
	columns  []string
	dedupeBy []string

	engine engine
	rows   []row // in the order of the input
	lines  []int // where each of them begins, while they are handed in
	reason map[int]string
	opened bool          // the load was opened before: a fresh one is not begun anew
	fed    bool          // its rows were handed in before: what failed since is not sent again
	others ledger.Counts // records of the load that the input does not have, as they stood when the rows were in
	health *health
	show   *display

	account *account // of a routine; nil before Clay was asked
	agreed  bool     // somebody agreed to what the routine may cost
	renewed bool     // a fresh load of a routine was begun

	price     client.Cost                 // what a row is said to cost; zero where that is not known
	bound     bound                       // above which somebody is asked
	confirmed bool                        // nobody need be asked any more
	ready     func(context.Context) error // what else is to be done before the rows are handed in; nil for nothing
}

// row is what is remembered of an input row. There may be millions.
type row struct {
	record ledger.RecordID // zero when it has none; then reason says why
	sends  uint16          // how often Clay took it in earlier runs, or may have
}

// newLoad opens the input and chooses how its rows are known.
func newLoad(s Streams, f loadFlags, args []string) (*load, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	in, err := openInput(s, args, f.encoding)
	if err != nil {
		return nil, err
	}
	collectOften(s)
	return loadOf(s, f, in)
}

// loadOf chooses how the rows of an input are known. The flags have been checked.
func loadOf(s Streams, f loadFlags, in *input) (*load, error) {
	l := &load{streams: s, flags: f, await: true, input: in, reason: map[int]string{}, health: &health{patience: f.patience.or(defaultPatience)}, show: newDisplay(s, f)}
	above := f.confirmAbove
	if above == "" {
		above = s.Getenv("CLAYGATE_CONFIRM_ABOVE")
	}
	var err error
	if l.bound, err = parseBound(above); err != nil {
		return nil, errors.Join(err, l.close())
	}
	if err := l.look(); err != nil {
		return nil, errors.Join(err, l.close())
	}
	return l, nil
}

// collectOften has garbage collected more often than Go does by itself, which lets the memory double in between. What a load
// remembers of its rows is without pointers, so this costs next to nothing. GOGC overrides it.
func collectOften(s Streams) {
	if s.Getenv("GOGC") == "" {
		debug.SetGCPercent(30)
	}
}

// look reads the input's columns: they decide how rows are known. A file of JSON lines has those of all its rows: what
// the first row happens to lack must not decide that the same people are paid for again.
func (l *load) look() error {
	reader, err := l.input.read()
	if err != nil {
		return err
	}
	for more := true; more; more = reader.Format() == sheet.JSONL {
		_, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !isRowError(err) {
			return err
		}
	}
	l.columns = reader.Columns()
	if l.dedupeBy, err = chooseDedupe(l.flags.dedupeBy, l.columns); err != nil {
		return err
	}
	return l.flags.routine.mapInputs(l.columns)
}

// open makes the way to Clay ready, and says what is about to happen. Where a process has the ledger in use the rows go
// through that one.
func (l *load) open(ctx context.Context) error {
	if url := l.flags.named(l.streams); url != "" {
		if l.flags.ledger != "" {
			return &usageError{message: "--gateway and --ledger exclude each other", hint: "the gateway has a ledger of its own"}
		}
		return l.through(ctx, client.Config{BaseURL: url, Key: l.streams.Getenv("CLAYGATE_KEY")}, &remote{where: url})
	}
	path, err := ledgerPath(l.streams, l.flags.ledger, l.flags.emulate)
	if err != nil {
		return err
	}
	if err := apart(l.flags.output, path); err != nil {
		return err
	}
	socket := app.SocketPath(path)
	for began := time.Now(); ; {
		if answers(socket) {
			return l.through(ctx, client.Config{BaseURL: "unix:" + socket}, &remote{where: path, socket: socket})
		}
		l.engine = &local{load: l, path: path}
		err := l.engine.open(ctx)
		if ledger.KindOf(err) != ledger.Busy || err == nil || time.Since(began) > startTime {
			return err
		}
		if err := l.breathe(ctx); err != nil { // it may just have started
			return err
		}
	}
}

// startTime is how long a process may take to listen that has just taken a ledger.
const startTime = time.Second

// through opens the way through a gateway.
func (l *load) through(ctx context.Context, c client.Config, e *remote) (err error) {
	c.Patience = -1 // persist has its own
	e.load = l
	if e.Client, err = client.New(c); err != nil {
		return &usageError{message: "--gateway: " + err.Error()}
	}
	l.engine = e
	return e.open(ctx)
}

// name is what the load is known by: what it does, how it tells rows apart, and the job.
func (l *load) name() string {
	verb, job := "enrich", l.flags.job
	if !l.await {
		verb = "send"
	}
	if job == "" {
		job = l.input.name
	}
	parts := []string{verb, strings.Join(l.dedupeBy, ","), job}
	if version := l.flags.routine.version(); version != "" {
		parts = append(parts, version) // other inputs are other work
	}
	return strings.Join(parts, "\n")
}

func (l *load) close() error {
	var errs []error
	if l.engine != nil {
		errs = append(errs, l.engine.close())
	}
	return errors.Join(append(errs, l.input.close())...)
}

// maxAge is how old a result may be to be reused; 0 for none.
func (l *load) maxAge() time.Duration {
	switch {
	case l.flags.maxAge.set:
		return l.flags.maxAge.Duration
	case l.flags.fresh:
		return 0
	}
	return ledger.DefaultMaxAge
}

// resultTimeout is how long a result is awaited. The emulator answers within seconds, or it never will.
func (l *load) resultTimeout() time.Duration {
	switch routine := l.flags.routine.asked(); {
	case routine && l.flags.emulate:
		return l.flags.resultTimeout.or(emulatedRunTimeout)
	case routine:
		return l.flags.resultTimeout.or(ledger.RunLifetime)
	case l.flags.emulate:
		return l.flags.resultTimeout.or(emulatedTimeout)
	}
	return l.flags.resultTimeout.or(ledger.DefaultResultTimeout)
}

// emulatedTimeout bounds the wait for the emulator's results.
const emulatedTimeout = 10 * time.Second
