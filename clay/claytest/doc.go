// Package claytest is Clay, emulated: an [net/http/httptest]-like server that
// answers as Clay's webhook sources do, enriches the rows it takes and posts
// them to your callback URL as Clay's HTTP API column does. Under [PublicAPIPath]
// it is Clay's Public API as well, strictly to its contract; see [PublicAPI].
//
//	clay := claytest.New(t, claytest.Options{Column: claytest.Column{URL: callbackURL}})
//	http.Post(clay.WebhookURL("people"), "application/json", body)
//	err := clay.WaitCallbacks(ctx, 1)
//
// The zero [Options] are Clay's documented behaviour: 10 requests a second with
// bursts of 20 for all webhooks together, 100 KB per request, 50,000
// submissions per webhook, and a column that answers after 0.3 to 1.5 s.
// Everything the emulator decides by chance it decides by hash from
// [Options.Seed], so that a test can foresee it ([Enrich], [Server.Enrich]).
//
// With [Options.InMemory] no socket is opened and the server works inside a
// testing/synctest bubble. [Fault] makes it misbehave, [Options.Journal] makes
// it outlive its process, and the control API under [ControlPath] shows other
// processes what arrived.
//
// What is known about Clay, and from where, is collected in docs/clay.md; what
// Clay leaves undocumented and this package had to choose is said there too,
// and at the place that chose.
package claytest
