package app

import (
	"cmp"
	"path/filepath"
	"time"

	"github.com/claygate/claygate/internal/collect"
	"github.com/claygate/claygate/internal/forward"
)

// From when on something is an alarm, where the configuration does not say.
const (
	defaultDeadLetters = 10
	defaultCallbacks   = 10
	defaultWaiting     = time.Hour
)

// ring makes what tells a chat of alarms, where one is configured. What an emulation invents is told to nobody.
func (a *App) ring() error {
	to := a.config.Alerts
	if to.URL == "" || a.config.Emulate != nil || a.config.Passive {
		return nil
	}
	reach := forward.Public
	if to.Private {
		reach = forward.Private
	}
	chat, err := forward.NewNotifier(to.URL, reach)
	if err != nil {
		return err
	}
	to.DeadLetters, to.Callbacks = cmp.Or(to.DeadLetters, defaultDeadLetters), cmp.Or(to.Callbacks, defaultCallbacks)
	to.Waiting = cmp.Or(to.Waiting, defaultWaiting)
	folder := ""
	if a.config.Database == "" {
		folder = filepath.Dir(a.config.Ledger)
	}
	a.alerts.alarms = &alarms{store: a.Ledger, targets: a.served, different: a.roll.different.Load, folder: folder, limits: to, dead: map[string]*window{}}
	a.alerts.chat = newNotifier(a.config.Log, chat.Notify)
	return nil
}

// refused is told of callbacks that were refused.
func (a *App) refused(r collect.Refusal) {
	a.alerts.stray()
	if a.config.Refused != nil {
		a.config.Refused(r)
	}
}

// stray is told of callbacks that were refused, or matched nothing.
func (a *alerts) stray() {
	if a.alarms != nil {
		a.alarms.stray()
	}
}
