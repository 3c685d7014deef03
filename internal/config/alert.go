package config

import "time"

// Alerts says where it is told what is wrong, and when it is over: a paused target, a spent budget, a webhook that is nearly
// used up, and the like. Nothing of records and people is in it.
type Alerts struct {
	// URL of a Slack incoming webhook, or of what takes {"text": …} as it does. Default none: nobody is told.
	URL Secret `yaml:"url"`
	// AllowPrivate permits addresses of private networks and of this machine. Default false.
	AllowPrivate bool `yaml:"allow_private"`
	// DeadLetters is how many records of a target must fail for good within an hour. Default 10.
	DeadLetters int `yaml:"dead_letters"`
	// Callbacks is how many callbacks must be refused, or match no record, within an hour. Default 10.
	Callbacks int `yaml:"callbacks"`
	// OldestWaiting is how long a record must have waited to be sent. Default 1 h.
	OldestWaiting time.Duration `yaml:"oldest_waiting"`
}

// The defaults of alerts.
const (
	DefaultDeadLetters   = 10
	DefaultCallbacks     = 10
	DefaultOldestWaiting = time.Hour
)

func (d *decoder) checkAlerts(c *Config) {
	a := c.Alerts
	d.checkPrivateURL("alerts.url", Private{a.URL}, c)
	d.checkRange("alerts.dead_letters", a.DeadLetters, limits{least: 1})
	d.checkRange("alerts.callbacks", a.Callbacks, limits{least: 1})
	d.checkPositive("alerts.oldest_waiting", a.OldestWaiting)
}
