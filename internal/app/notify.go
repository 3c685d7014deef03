package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// notifyRest is between two messages: what happens meanwhile shares the next one.
	notifyRest = 10 * time.Second
	// After a failure the same is tried again, ever more seldom.
	notifyAgain, notifySeldom = time.Second, 5 * time.Minute
	// notifyLines is how much one message says; how many more there are is said too.
	notifyLines = 20
)

// fleeting begins the keys of alarms of which nobody knows when they are over.
const fleeting = "once "

// notifier tells a chat which alarms there are and which are over. Whoever raises one waits for nothing: it is sent when the
// chat takes it, and what came and went before that is not told at all.
type notifier struct {
	send func(ctx context.Context, text string) (wait time.Duration, err error)
	log  *slog.Logger

	mu      sync.Mutex
	open    map[string]string // alarms there are, by key, as they are told
	told    map[string]string // those that the chat knows
	changed chan struct{}     // holds a token while there is something to tell
	end     context.CancelFunc
	done    chan struct{}
}

func newNotifier(log *slog.Logger, send func(context.Context, string) (time.Duration, error)) *notifier {
	return &notifier{send: send, log: log, open: map[string]string{}, told: map[string]string{}, changed: make(chan struct{}, 1)}
}

// start begins to tell. Started twice it does nothing more.
func (n *notifier) start() {
	if n.end != nil {
		return
	}
	var ctx context.Context
	ctx, n.end = context.WithCancel(context.Background())
	n.done = make(chan struct{})
	go n.run(ctx)
}

// stop ends it, without waiting for the chat. It may be called twice, and without start.
func (n *notifier) stop() {
	if n.end != nil {
		n.end()
		<-n.done
	}
}

// set says which alarms there are now.
func (n *notifier) set(open map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open = open
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

func (n *notifier) run(ctx context.Context) {
	defer close(n.done)
	for pause := notifyAgain; ; {
		select {
		case <-n.changed:
		case <-ctx.Done():
			return
		}
		text, known := n.news()
		if text == "" {
			continue
		}
		wait, err := n.send(ctx, text)
		if err != nil {
			n.log.Warn("an alert was not taken", "error", err)
			wait, pause = max(wait, pause), min(2*pause, notifySeldom)
			n.again()
		} else {
			n.know(known)
			wait, pause = notifyRest, notifyAgain
		}
		if !rest(ctx, min(wait, time.Hour)) {
			return
		}
	}
}

// again lets the next round look whether there is something to tell.
func (n *notifier) again() {
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// news is what the chat does not know yet, "" for nothing, and what it will know then.
func (n *notifier) news() (text string, known map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var lines []string
	for key, line := range n.open {
		if _, told := n.told[key]; !told {
			lines = append(lines, "claygate: "+line)
		}
	}
	for key, line := range n.told {
		if _, open := n.open[key]; !open && !strings.HasPrefix(key, fleeting) {
			lines = append(lines, "claygate: over: "+line)
		}
	}
	slices.Sort(lines)
	if more := len(lines) - notifyLines; more > 0 {
		lines = append(lines[:notifyLines], fmt.Sprintf("claygate: and %d more; claygate doctor lists what is wrong", more))
	}
	return strings.Join(lines, "\n"), n.open
}

func (n *notifier) know(known map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told = known
}
