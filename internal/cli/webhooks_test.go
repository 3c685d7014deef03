package cli

import (
	"fmt"
	"testing"
	"time"

	"github.com/claygate/claygate/client"
)

func TestFirstToFillComesFirst(t *testing.T) {
	soon, later := time.Now().Add(30*time.Hour), time.Now().Add(30*24*time.Hour)
	daily := 12.4
	got := fillings([]client.Target{
		{Name: "a", Webhooks: []client.Webhook{{Used: 9}, {Used: 1, Limit: 10}}},
		{Name: "b", Webhooks: []client.Webhook{{Used: 1, Limit: 10, FullAt: later, PerDay: &daily}, {Used: 5, Limit: 10}}},
		{Name: "c", Webhooks: []client.Webhook{{Used: 2, Limit: 10, FullAt: soon}, {Used: 10, Limit: 10, FullAt: time.Now()}}},
	})
	order := ""
	for _, w := range got {
		order += fmt.Sprintf("%s%d ", w.Target, w.N)
	}
	if order != "c2 c1 b1 b2 a2 a1 " {
		t.Errorf("the order is %s", order)
	}
	says := []string{got[0].end(), got[1].end(), got[2].end(), got[2].rate(), got[3].rate(), got[3].end()}
	if want := []string{"now", "in 30 hours", later.Format("2006-01-02"), "12", "not known yet", ""}; fmt.Sprint(says) != fmt.Sprint(want) {
		t.Errorf("it says %q, want %q", says, want)
	}
}
