package app

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/internal/ledger"
)

// attending is a ledger on which others work by another configuration, or do not.
type attending struct {
	different int
	heard     []ledger.Digest
}

func (a *attending) Attend(_ context.Context, d ledger.Digest) (int, error) {
	a.heard = append(a.heard, d)
	return a.different, nil
}

// A replica that worked by an old configuration was noticed by nobody.
func TestAnotherConfigurationIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		others := &attending{}
		r := &roll{store: others, log: slog.New(slog.NewTextHandler(&log, nil))}
		of := func(timeout time.Duration) *ledger.Catalog {
			return ledger.NewCatalog([]ledger.Target{{Name: "people", Lane: "main/webhook", ResultTimeout: timeout, Runs: &ledger.RunPolicy{}}}, nil)
		}
		r.catalog.Store(of(time.Minute))
		r.start()
		r.start()
		synctest.Wait()
		others.different = 2
		r.catalog.Store(of(time.Minute))
		time.Sleep(attendEvery)
		synctest.Wait()
		if !strings.Contains(log.String(), "replicas=2") {
			t.Errorf("it says %s", &log)
		}
		open := map[string]string{}
		alarms := &alarms{different: r.different.Load, limits: Alerts{Callbacks: 1}}
		if alarms.rest(open); open["configuration"] == "" {
			t.Errorf("the alarms are %v", open)
		}
		others.different = 0
		r.catalog.Store(of(time.Hour))
		time.Sleep(attendEvery)
		synctest.Wait()
		clear(open)
		if alarms.rest(open); !strings.Contains(log.String(), "one configuration again") || len(open) > 0 {
			t.Errorf("it says %s, and the alarms are %v", &log, open)
		}
		r.stop()
		r.stop()
		if d := others.heard; len(d) != 3 || d[0] != d[1] || d[1] == d[2] {
			t.Errorf("it said %v: the same configuration twice, and then another", d)
		}
	})
}
