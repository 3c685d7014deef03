package main

import (
	"context"
	"log"

	"github.com/google/uuid"

	"github.com/claygate/claygate/internal/ledger"
	"github.com/claygate/claygate/internal/ledger/sqlite"
)

// batch is how many records are made together.
const batch = 2000

// send makes records that Clay has taken and whose results are awaited.
func send(ctx context.Context, store *sqlite.Store) (ids []ledger.RecordID) {
	for len(ids) < *records {
		subs := make([]ledger.Submission, batch)
		for i := range subs {
			subs[i] = ledger.Submission{
				ID: ledger.RecordID(uuid.Must(uuid.NewV7())), Target: "people", Await: true,
				Fields: []byte(`{"email":"someone@company.example","first_name":"Some","last_name":"One"}`),
			}
			ids = append(ids, subs[i].ID)
		}
		if _, err := store.Accept(ctx, subs); err != nil {
			log.Fatal(err)
		}
		claims, err := store.Claim(ctx, ledger.Want{Lane: lane, Max: batch})
		if err != nil || len(claims.Work) != batch {
			log.Fatal(len(claims.Work), err)
		}
		entries := make([]ledger.Entry, batch)
		for i, c := range claims.Work {
			entries[i] = ledger.Entry{Record: c.Record.ID, Event: ledger.Answer{
				Attempt: 1, Outcome: ledger.Answered, Verdict: ledger.Accepted, Status: 200,
			}}
		}
		if _, err := store.Apply(ctx, entries); err != nil {
			log.Fatal(err)
		}
	}
	return ids
}
