// Package clay sends records to Clay (clay.com), runs its routines and receives what
// Clay made of them, with nothing but the standard library.
//
// Clay makes a row, and charges for it, for every POST it accepts, and drops what
// comes faster than 10 a second. So this package observes on the connection how far
// each request got, and its errors say whether sending a record again is free, may
// make a second row, or is pointless.
//
//	client, err := clay.New(clay.Config{WebhookURL: url, WebhookToken: token})
//	receipt, err := client.Send(ctx, lead)
//	result, err := client.SendBatch(ctx, clay.Records(seq), clay.BatchOptions{})
//
// or, through Clay's Public API and without any address of your own:
//
//	run, err := client.Routine("function:t_…").Run(ctx, items, clay.RunOptions{})
//	for item, err := range run.Results(ctx) { … }
//
// What there is:
//
//   - [Client.Send], [Client.SendBatch]: rows into a table, at Clay's pace, tried
//     again where that is safe; [Client.SendOnce] is one bare try.
//   - [CallbackHandler]: what a column sends back, stored before Clay hears OK.
//   - [NewTable]: both of them with Go types; [Unmarshal] reads Clay's quirks.
//   - [Client.Routine]: functions and workflows, for up to 100 items ([Routine.Run]) or
//     files of them ([Routine.Bulk]); [CompletionHandler] hears of a run's end.
//   - [Client.SearchPeople], [Client.SearchCompanies], [Client.Query]: what Clay and its
//     tables know; [Client.Me], [Client.Credits]: whose key it is and what is left.
//   - [Client.EnrichPerson], [Client.EnrichCompany]: the Enterprise lookups.
//   - [Default]: one client for the whole program, from the environment.
//   - [Error]: the only error type; [Kind]: errors.Is(err, clay.KindThrottled).
//   - [NewPacer]: one pace for the clients of a workspace; [Observer] sees each try.
//
// Zero values mean the documented defaults. Nothing here survives the program: for
// records that must not be lost there is claygate, which is built on this package.
// It is independent of Clay; what it knows about Clay is in docs/clay.md.
package clay
