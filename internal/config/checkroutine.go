package config

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
)

// longestID is the longest id of a routine and of a completion webhook, in characters (docs/clay.md).
const longestID = 64

// maxLinger bounds linger: beyond it, fewer calls are not worth the wait.
const maxLinger = time.Minute

// checkAPI checks what a workspace's routines share.
func (d *decoder) checkAPI(path string, w *Workspace) {
	pace, hook := path+".api_pace", path+".completion_webhook"
	if d.sound(pace+".per_second") && (w.APIPace.PerSecond <= 0 || w.APIPace.PerSecond > 1000) {
		d.refuse(pace+".per_second", "must be more than 0 and at most 1000", "")
	}
	d.checkRange(pace+".burst", w.APIPace.Burst, limits{least: 1, most: 1000})
	if len(w.Routines) > 0 && !w.PublicAPIKey.IsSet() && d.sound(path+".public_api_key") {
		d.refuse(path+".public_api_key", "is missing; routines need it", "write public_api_key: env:CLAY_PUBLIC_API_KEY")
	}
	switch id, secret := hook+".id", hook+".secret"; {
	case !d.sound(hook):
	case w.CompletionWebhook.ID == "" && w.CompletionWebhook.Secret.IsSet():
		d.refuse(id, "is missing", "write the id that Clay showed when the webhook was made: wh_…")
	case w.CompletionWebhook.ID != "" && !w.CompletionWebhook.Secret.IsSet():
		d.refuse(secret, "is missing: what nobody signed could come from anybody", "write secret: env:CLAY_COMPLETION_SECRET")
	case length(w.CompletionWebhook.ID) > longestID:
		d.refuse(id, fmt.Sprintf("is longer than %d characters", longestID), "it looks like wh_…")
	case w.CompletionWebhook.Secret.Reveal() != "" && len(w.CompletionWebhook.Secret.Reveal()) < 16:
		d.refuse(secret, "is too short for a signing secret", "it looks like whsec_…")
	}
}

func length(id string) int { return len(utf16.Encode([]rune(id))) }

func (d *decoder) checkRoutine(path string, r *Routine, c *Config) {
	if d.refused[path] {
		return // it is no map at all
	}
	d.checkRoutineID(path+".routine", r.Routine)
	for _, input := range names(r.Inputs) {
		if at := join(path+".inputs", input); (r.Inputs[input] == "" || input == "") && d.sound(at) {
			d.refuse(at, "names no field", "write Clay's input: the record's field")
		}
	}
	if d.sound(path+".linger") && (r.Linger < 0 || r.Linger > maxLinger) {
		d.refuse(path+".linger", "must be from 0 to "+spell(maxLinger), "every record may wait that long")
	}
	if d.sound(path+".bulk_from") && r.BulkFrom != 0 {
		d.checkRange(path+".bulk_from", r.BulkFrom, limits{least: 2})
	}
	d.checkExpression(path+".failed_when", r.FailedWhen)
	d.checkPositive(path+".result_timeout", r.ResultTimeout)
	d.checkAges(path, ages{&r.MaxAge, &r.EmptyMaxAge}, c)
	d.checkRange(path+".priority", r.Priority, limits{most: 9})
	if r.OnUncertain == Resend && d.sound(path+".on_uncertain") {
		d.warn(path+".on_uncertain", "resend starts a second run, which is charged again, whenever an answer is lost", "leave it out unless that is meant")
	}
}

func (d *decoder) checkRoutineID(path, id string) {
	kind, name, _ := strings.Cut(id, ":")
	switch {
	case !d.sound(path):
	case id == "":
		d.refuse(path, "is missing", `copy it from Clay: routine: "function:t_…"`)
	case kind != "function" && kind != "workflow" || name == "" || strings.ContainsAny(id, " /?#"):
		d.refuse(path, "is not the id of a routine", `it looks like "function:t_…" or "workflow:…"`)
	case length(id) > longestID:
		d.refuse(path, fmt.Sprintf("is longer than %d characters", longestID), "copy it from Clay again")
	}
}
