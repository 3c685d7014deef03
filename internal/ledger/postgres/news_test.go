package postgres

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/claygate/claygate/internal/ledger"
)

// patience is how long a test waits for what takes milliseconds, on a machine that is busy.
const patience = 20 * time.Second

// Who waits at one replica is woken by what another does: at once, and also where no notification comes through.
func TestReplicasWakeEachOther(t *testing.T) {
	for name, o := range map[string]Options{"by notification": {blind: true}, "by looking": {deaf: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var hub ledger.Hub
			o.Hub = &hub
			waiting := replicas(t, 1, o)[0]
			writing := replica(t, Options{DSN: waiting.config.ConnString()})
			id := accept(t, writing, sub()).ID
			claim(t, writing, 1)
			ready(t, &hub, writing)
			record, cancel := hub.Subscribe(id)
			defer cancel()
			pauses, cancelPauses := hub.Subscribe(ledger.Pauses)
			defer cancelPauses()
			result(t, writing, id)
			woken(t, record, patience)
			must(t, writing.Pause(t.Context(), people, ledger.Pause{Reason: "so"}))
			woken(t, pauses, patience)
			must(t, writing.Resume(t.Context(), people))
			lane, cancelLane := hub.Subscribe(mainLane)
			defer cancelLane()
			accept(t, writing, sub())
			woken(t, lane, patience)
		})
	}
}

// Many commits make few notifications: each of them makes the server work for every replica.
func TestNotificationsAreGathered(t *testing.T) {
	writing := replicas(t, 1, Options{blind: true, deaf: true})[0]
	conn, err := pgx.ConnectConfig(t.Context(), writing.writer.config)
	must(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), `LISTEN `+channel)
	must(t, err)
	start, told := time.Now(), 0
	const commits = 300
	for n := range commits {
		writing.publish(map[any]struct{}{ledger.LoadID(n + 1): {}})
		time.Sleep(time.Millisecond / 2)
	}
	for finished := false; !finished; told++ {
		waiting, cancel := context.WithTimeout(t.Context(), patience)
		got, err := conn.WaitForNotification(waiting)
		cancel()
		must(t, err)
		topics, _ := decodeTopics("", got.Payload)
		_, finished = topics[ledger.LoadID(commits)]
	}
	if most := 2 + int(time.Since(start)/tellEvery); told > most {
		t.Errorf("%d notifications, want at most %d", told, most)
	}
}

// ready waits until a replica hears of others, or looks: what was before does not count.
func ready(t *testing.T, hub *ledger.Hub, other *Store) {
	t.Helper()
	changed, cancel := hub.Subscribe(ledger.Announced)
	defer cancel()
	for {
		must(t, other.Pause(t.Context(), "nobody", ledger.Pause{Reason: "so"}))
		select {
		case <-changed:
			return
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Whatever a replica left undone when it died is found by those that live: they look for it.
func TestReplicasFindWork(t *testing.T) {
	var hub ledger.Hub
	all := replicas(t, 2, Options{deaf: true, blind: true})
	accept(t, all[0], sub(func(s *ledger.Submission) { s.SendBy = time.Microsecond }))
	must(t, all[0].Close())
	lane, cancel := hub.Subscribe(mainLane)
	defer cancel()
	deadlines, cancelDeadlines := hub.Subscribe(ledger.Deadlines)
	defer cancelDeadlines()
	replica(t, Options{DSN: all[1].config.ConnString(), Hub: &hub, deaf: true})
	woken(t, lane, patience)
	woken(t, deadlines, patience)
}

func TestTopics(t *testing.T) {
	topics := map[any]struct{}{
		ledger.RecordID{1, 2, 3}: {}, ledger.LoadID(7): {}, mainLane: {}, ledger.Asking("main/api"): {}, ledger.Outgoing("crm"): {},
		ledger.Outgoing(strings.Repeat("long", 1000)): {}, ledger.Outgoing(strings.Repeat("longer", 1000)): {},
		ledger.Deadlines: {}, ledger.Pauses: {}, ledger.Announced: {}, ledger.Outbound: {},
	}
	for n := range 1000 {
		topics[ledger.RecordID{9, byte(n >> 8), byte(n)}] = struct{}{}
	}
	got := map[any]struct{}{}
	for _, payload := range encodeTopics("me", topics) {
		if len(payload) >= 8000 {
			t.Errorf("a notification of %d bytes", len(payload))
		}
		some, own := decodeTopics("you", payload)
		if own {
			t.Error("what another sent is taken for one's own")
		}
		for topic := range some {
			got[topic] = struct{}{}
		}
		if _, own := decodeTopics("me", payload); !own {
			t.Error("one's own is taken for another's")
		}
	}
	if diff := cmp.Diff(topics, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if unknown, _ := decodeTopics("you", "me\nx1\n\nr!\nd?"); len(unknown) > 0 {
		t.Errorf("nonsense is %v", unknown)
	}
}
