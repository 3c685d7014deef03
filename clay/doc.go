// Package clay sends records to Clay (clay.com) and receives what Clay made of
// them, with nothing but the standard library.
//
// Clay makes a new row, and charges for it, for every POST it accepts, and drops
// what comes faster than 10 a second. So this package observes on the connection how
// far each request got, and its errors say whether sending a record again is free,
// may make a second row, or is pointless.
//
//	client, err := clay.New(clay.Config{WebhookURL: url, WebhookToken: token})
//	receipt, err := client.Send(ctx, lead)
//	result, err := client.SendBatch(ctx, clay.Records(slices.Values(leads)), clay.BatchOptions{})
//
// What there is:
//
//   - [Client.Send] and [Client.SendBatch] put rows into a table through its webhook:
//     paced, concurrent, tried again where that is safe. [Client.SendOnce] is the bare try.
//   - [CallbackHandler] receives what a column sends back, and says OK only once it is stored.
//   - [NewTable] gives both of them Go types; [Unmarshal] reads Clay's quirks.
//   - [Client.EnrichPerson] and [Client.EnrichCompany] are the Enterprise lookups.
//   - [Default] is one client for the whole program, from the environment.
//   - [Error] is the only error type, [Kind] what it means: errors.Is(err, clay.KindThrottled).
//   - [NewPacer] is the pace that clients of one workspace share; [Observer] sees every try.
//
// Zero values mean the documented defaults. Nothing here survives the program: for
// records that must not be lost there is claygate, which is built on this package.
//
// The package is independent of Clay. What it knows about Clay is in docs/clay.md.
package clay
