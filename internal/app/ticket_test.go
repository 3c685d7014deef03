package app

import (
	"testing"

	"github.com/claygate/claygate/internal/ledger"
)

// Rows that went out before the secret was changed still bring their results, after a restart too.
func TestTicketsAreRotated(t *testing.T) {
	s := serve(t, Target{Name: "people"})
	s.submit("people/records", map[string]any{"email": "ada@example.com"})
	row := s.row()
	if status, _ := s.post("http://"+s.APIAddr()+"/v1/tickets/rotate", map[string]any{}); status != 204 {
		t.Fatalf("rotating is answered %d", status)
	}
	all, err := s.Ledger.Secrets(t.Context(), ticketSecret)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d secrets, %v", len(all), err)
	}
	all[0].Age = ledger.SecretSettle
	s.tickets.Replace(ledger.ValidSecrets(all)...) // as two minutes later
	s.submit("people/records", map[string]any{"email": "alan@example.com"})
	later := s.row()
	if _, err := ledger.NewTickets(all[1].Value).Verify(later[ledger.TicketField].(string)); err == nil {
		t.Error("a row is still signed with the former secret")
	}
	s.callback(row, map[string]any{"title": "Countess"})
	s.callback(later, map[string]any{"title": "Doctor"})
	if err := s.rotation.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.callback(row, map[string]any{"city": "London"})
}
