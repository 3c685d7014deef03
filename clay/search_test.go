package clay_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/clay/claytest"
	"github.com/google/go-cmp/cmp"
)

var anybody = clay.SearchRequest{Filters: row{"job_title_keywords": []string{"sales"}}}

func TestSearchPeople(t *testing.T) {
	for name, req := range map[string]clay.SearchRequest{
		"filters": anybody, "query": {Query: "people in Paris"}, "small pages": {Query: "people", PageSize: 7}, "one page": {Query: "people", PageSize: 500},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, c := emulate(t, claytest.Options{}, clay.Config{})
				s, err := c.SearchPeople(t.Context(), req)
				if err != nil {
					t.Fatal(err)
				}
				if s.Quota() != nil {
					t.Error("a quota before the first page")
				}
				all, err := collect(s.All(t.Context()))
				if err != nil || len(all) != 137 {
					t.Fatalf("%d found, %v", len(all), err)
				}
				for i, p := range all {
					if p.ClayProfileID != int64(i+1) || p.Name != p.FirstName+" "+p.LastName || p.Location.City == "" || p.MatchedExperiences[0].Title == "" || len(p.Extra) != 0 {
						t.Errorf("%d: %+v", i, p)
					}
				}
				if q := s.Quota(); q == nil || q.Used != 137 || q.Remaining != q.Limit-137 || !q.ResetsAt.After(time.Now()) {
					t.Errorf("%+v", q)
				}
				if page, ok, err := s.Next(t.Context()); ok || err != nil || len(page) != 0 {
					t.Errorf("after the end: %v, %t, %v", page, ok, err)
				}
			})
		})
	}
}

func TestSearchCompanies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{}, clay.Config{})
		s, err := c.SearchCompanies(t.Context(), clay.SearchRequest{Query: "companies in Paris", Limit: 60})
		if err != nil {
			t.Fatal(err)
		}
		all, err := collect(s.All(t.Context()))
		if err != nil || len(all) != 60 || s.Quota().Used != 60 || all[0].Domain == "" || all[0].ClayCompanyID != 1 || all[0].TotalFunding != nil {
			t.Errorf("%d found, %+v, %v", len(all), s.Quota(), err)
		}
		// A query for something else is noticed before it costs a page.
		_, err = c.SearchPeople(t.Context(), clay.SearchRequest{Query: "companies"})
		if failed(t, err, clay.KindInvalid); !strings.Contains(err.Error(), "companies") {
			t.Error(err)
		}
	})
}

// Who stops in the middle of a page goes on there: what is fetched is paid for.
func TestSearchGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{}, clay.Config{})
		s, err := c.SearchPeople(t.Context(), anybody)
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for range 3 {
			for p, err := range s.All(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if got = append(got, p.ClayProfileID); len(got)%30 == 0 {
					break
				}
			}
		}
		rest, ok, err := s.Next(t.Context())
		if len(got) != 90 || got[89] != 90 || !ok || err != nil || len(rest) != 10 || rest[0].ClayProfileID != 91 {
			t.Errorf("%v, then %d of %v", got, len(rest), err)
		}
	})
}

// Clay moves on with every page it is asked for: one whose answer is lost is not asked
// for again, now or later.
func TestSearchNeverAsksForAPageTwice(t *testing.T) {
	for name, tc := range map[string]struct {
		fault claytest.Fault
		kind  clay.Kind
	}{
		"answer lost": {claytest.Fault{Kind: claytest.DropAfter}, clay.KindUnknown},
		"silence":     {claytest.Fault{Kind: claytest.DropBefore}, clay.KindUnknown},
		"502":         {claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{502}}, clay.KindUnknown},
		"500":         {claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{500}}, clay.KindUnavailable},
		"garbage":     {claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{200}, Body: "<html>"}, clay.KindBadAnswer},
		"no has_more": {claytest.Fault{Kind: claytest.AnswerAfter, Status: []int{200}, Body: `{"data":[]}`}, clay.KindBadAnswer},
		"cut":         {claytest.Fault{Kind: claytest.CutAnswer, Bytes: 10}, clay.KindUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tc.fault.Path, tc.fault.Count, tc.fault.From = "/run", 1, 3
				s, c := emulate(t, claytest.Options{Faults: []claytest.Fault{tc.fault}}, clay.Config{})
				search, err := c.SearchPeople(t.Context(), anybody)
				if err != nil {
					t.Fatal(err)
				}
				all, err := collect(search.All(t.Context()))
				e := failed(t, err, tc.kind)
				if len(all) != 50 || requests(s) != 3 || !strings.Contains(e.Hint, "begin a new search") || e.MayDuplicate() {
					t.Errorf("%d found, %d requests, %v", len(all), requests(s), err)
				}
				_, _, again := search.Next(t.Context())
				if _, more := collect(search.All(t.Context())); again != err || more != err || requests(s) != 3 {
					t.Errorf("asked again: %v, %v, %d requests", again, more, requests(s))
				}
			})
		})
	}
}

// A page that Clay refused, or never got, was not taken.
func TestSearchGoesOnAfterARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{Faults: []claytest.Fault{{Kind: claytest.Answer, Path: "/run", Status: []int{429}, Count: 3}}}, clay.Config{})
		search, err := c.SearchPeople(t.Context(), anybody)
		if err != nil {
			t.Fatal(err)
		}
		if all, err := collect(search.All(t.Context())); err != nil || len(all) != 137 {
			t.Errorf("%d found, %v", len(all), err)
		}
		gone, leave := context.WithCancel(t.Context())
		leave()
		search, err = c.SearchPeople(t.Context(), anybody)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = search.Next(gone)
		failed(t, err, clay.KindNotSent)
		if page, ok, err := search.Next(t.Context()); !ok || err != nil || page[0].ClayProfileID != 1 {
			t.Error(err)
		}
	})
}

// 402 tells when the quota is renewed, and is not tried again.
func TestQuotaUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := emulate(t, claytest.Options{PublicAPI: claytest.PublicAPI{SearchQuota: 60}}, clay.Config{})
		search, err := c.SearchPeople(t.Context(), anybody)
		if err != nil {
			t.Fatal(err)
		}
		all, err := collect(search.All(t.Context()))
		e := failed(t, err, clay.KindPaymentRequired)
		if len(all) != 60 || requests(s) != 4 || e.Status != 402 || e.Quota == nil || e.Quota.Remaining != 0 || e.Quota.Limit != 60 || e.Quota.ResetsAt.Before(time.Now()) {
			t.Errorf("%d found, %d requests, %+v", len(all), requests(s), e)
		}
		if _, _, err = search.Next(t.Context()); requests(s) != 5 { // refused, so not lost
			t.Error(err)
		}
		fresh := client(t, s, clay.Config{})
		if search, err = fresh.SearchPeople(t.Context(), anybody); err != nil {
			t.Fatal(err)
		}
		_, _, err = search.Next(t.Context())
		if e := failed(t, err, clay.KindPaymentRequired); e.Quota != nil {
			t.Errorf("a quota nobody told: %+v", e.Quota)
		}
	})
}

func TestSearchesRefusedBeforeTheyAreSent(t *testing.T) {
	s := claytest.New(t, claytest.Options{InMemory: true})
	c := client(t, s, clay.Config{})
	for name, req := range map[string]clay.SearchRequest{
		"nothing": {}, "both": {Query: "x", Filters: row{"a": 1}}, "large pages": {Query: "x", PageSize: 501}, "negative": {Query: "x", Limit: -1},
		"channel": {Filters: row{"a": make(chan int)}},
	} {
		_, err := c.SearchPeople(t.Context(), req)
		if failed(t, err, clay.KindInvalid); requests(s) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSearchFieldsAndReference(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c := emulate(t, claytest.Options{}, clay.Config{})
		f, err := c.SearchFields(t.Context(), "people")
		if err != nil || len(f.Fields) == 0 || f.Fields[0].Name == "" || f.Fields[0].Type == "" || !json.Valid(f.Guidance) {
			t.Errorf("%+v, %v", f, err)
		}
		_, err = c.SearchFields(t.Context(), "cats")
		failed(t, err, clay.KindInvalid)
		ref, err := c.SearchReference(t.Context())
		if err != nil || !strings.HasPrefix(ref, "# ") {
			t.Errorf("%q, %v", ref, err)
		}
	})
}

// Fields that nobody documented, and those of another shape, break nothing and stay.
func TestFoundRecordsKeepWhatTheyDoNotKnow(t *testing.T) {
	var p clay.FoundPerson
	if err := json.Unmarshal([]byte(`{"clay_profile_id":12345678901,"name":null,"linkedin_url":"https://x","location":"Paris","matched_experiences":[{"title":"CEO","new":1}],"score":0.5}`), &p); err != nil {
		t.Fatal(err)
	}
	want := clay.FoundPerson{
		ClayProfileID: 12345678901, LinkedInURL: "https://x", MatchedExperiences: []clay.Experience{{Title: "CEO"}},
		Extra: map[string]json.RawMessage{"location": json.RawMessage(`"Paris"`), "score": json.RawMessage("0.5")},
	}
	if d := cmp.Diff(want, p); d != "" {
		t.Error(d)
	}
	var co clay.FoundCompany
	if err := json.Unmarshal([]byte(`{"clay_company_id":1,"size":51,"total_funding_amount_range_usd":1e6,"x":[]}`), &co); err != nil || co.Size != "51" || *co.TotalFunding != 1e6 || len(co.Extra) != 1 {
		t.Errorf("%+v, %v", co, err)
	}
	for _, v := range []any{p, co} {
		data, err := json.Marshal(v)
		if err != nil || !json.Valid(data) {
			t.Errorf("%s, %v", data, err)
		}
	}
}
