package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// chat takes messages, or fails, and notes when each came.
type chat struct {
	began time.Time
	fails int // so many more
	wait  time.Duration
	hangs bool
	got   []string
}

func (c *chat) send(ctx context.Context, text string) (time.Duration, error) {
	if c.hangs {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	if c.fails > 0 {
		c.fails--
		return c.wait, errors.New("it answered 503")
	}
	c.got = append(c.got, time.Since(c.began).String()+" "+strings.ReplaceAll(text, "\n", " | "))
	return 0, nil
}

func notifying(t *testing.T, test func(*notifier, *chat)) {
	synctest.Test(t, func(t *testing.T) {
		c := &chat{began: time.Now()}
		n := newNotifier(slog.New(slog.DiscardHandler), c.send)
		n.start()
		n.start()
		test(n, c)
		n.stop()
		n.stop()
	})
}

func TestNotifierTellsOnceAndWhenItIsOver(t *testing.T) {
	notifying(t, func(n *notifier, c *chat) {
		paused := map[string]string{"paused people": "people is paused"}
		for range 5 {
			n.set(paused)
			time.Sleep(time.Minute)
		}
		n.set(map[string]string{"disk": "no space", fleeting + "budget": "it is spent"})
		time.Sleep(time.Minute)
		n.set(map[string]string{})
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []string{
			"0s claygate: people is paused", "5m0s claygate: it is spent | claygate: no space | claygate: over: people is paused", "6m0s claygate: over: no space",
		}
		if diff := cmp.Diff(want, c.got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// A storm is one message every ten seconds, and what came and went meanwhile is not told.
func TestNotifierIsSlow(t *testing.T) {
	notifying(t, func(n *notifier, c *chat) {
		n.set(map[string]string{"a": "a"})
		synctest.Wait()
		n.set(map[string]string{"a": "a", "b": "b"})
		time.Sleep(time.Second)
		n.set(map[string]string{"a": "a"})
		time.Sleep(time.Second)
		many := map[string]string{}
		for i := range 25 {
			many[string(rune('a'+i))] = string(rune('a' + i))
		}
		n.set(many)
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(c.got) != 2 || !strings.HasPrefix(c.got[1], "10s ") || strings.Count(c.got[1], "|") != 20 || !strings.HasSuffix(c.got[1], "and 4 more; claygate doctor lists what is wrong") {
			t.Errorf("it was told %q", c.got)
		}
	})
}

// What the chat did not take is tried again, ever more seldom, or when it asked for, and says what is true by then.
func TestNotifierTriesAgain(t *testing.T) {
	notifying(t, func(n *notifier, c *chat) {
		c.fails, c.wait = 4, 3*time.Second
		n.set(map[string]string{"a": "a"})
		time.Sleep(4 * time.Second)
		n.set(map[string]string{"b": "b"})
		time.Sleep(time.Hour)
		synctest.Wait()
		if diff := cmp.Diff([]string{"18s claygate: b"}, c.got); diff != "" { // after 3, 3, 4 and 8 seconds
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// A chat that hangs keeps nobody waiting, neither who raises an alarm nor who stops.
func TestNotifierWaitsForNobody(t *testing.T) {
	notifying(t, func(n *notifier, c *chat) {
		c.hangs = true
		began := time.Now()
		for range 1000 {
			n.set(map[string]string{"a": "a"})
		}
		n.stop()
		if waited := time.Since(began); waited > 0 {
			t.Errorf("it took %s", waited)
		}
	})
}
