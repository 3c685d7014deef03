package clay

import "encoding/json"

// FoundPerson is a person that a search found. What Clay does not know is empty; there
// are no e-mail addresses or phone numbers in it (docs/clay.md).
type FoundPerson struct {
	ClayProfileID      int64         `json:"clay_profile_id,omitempty"`     // Clay's id of the person
	Name               string        `json:"name,omitempty"`                // in full
	FirstName          string        `json:"first_name,omitempty"`          // given name
	LastName           string        `json:"last_name,omitempty"`           // family name
	Location           FoundLocation `json:"location,omitzero"`             // where the person is
	MatchedExperiences []Experience  `json:"matched_experiences,omitempty"` // those that made the search find it
	LinkedInURL        string        `json:"linkedin_url,omitempty"`        // not in every answer
	// Extra holds every other field as Clay sent it, and those above whose value was
	// of another shape.
	Extra map[string]json.RawMessage `json:"-"`
}

// FoundLocation is where a person is.
type FoundLocation struct {
	Name            string `json:"name,omitempty"`              // in full, e.g. "Lyon, France"
	City            string `json:"city,omitempty"`              // alone
	StateOrProvince string `json:"state_or_province,omitempty"` // alone
}

// Experience is a position of a person that matched the search.
type Experience struct {
	Company   string `json:"company,omitempty"`    // the employer's name
	Title     string `json:"title,omitempty"`      // the job
	Location  string `json:"location,omitempty"`   // where
	StartDate string `json:"start_date,omitempty"` // as Clay writes it, e.g. 2021-04-01
	EndDate   string `json:"end_date,omitempty"`   // empty when it lasts
}

// FoundCompany is a company that a search found. What Clay does not know is empty.
type FoundCompany struct {
	ClayCompanyID int64    `json:"clay_company_id,omitempty"`                // Clay's id of the company
	Name          string   `json:"name,omitempty"`                           // of the company
	Size          string   `json:"size,omitempty"`                           // e.g. "51-200 employees"
	AnnualRevenue string   `json:"annual_revenue,omitempty"`                 // a range, as text
	Type          string   `json:"type,omitempty"`                           // e.g. "Privately Held"
	Domain        string   `json:"domain,omitempty"`                         // e.g. example.com
	Country       string   `json:"country,omitempty"`                        // of the headquarters
	Industry      string   `json:"industry,omitempty"`                       // in Clay's words
	Location      string   `json:"location,omitempty"`                       // of the headquarters
	Description   string   `json:"description,omitempty"`                    // free text
	LinkedInURL   string   `json:"linkedin_url,omitempty"`                   // of its page
	TotalFunding  *float64 `json:"total_funding_amount_range_usd,omitempty"` // in US dollars; nil when not known
	// Extra is as in FoundPerson.
	Extra map[string]json.RawMessage `json:"-"`
}

// UnmarshalJSON reads a person and keeps what it does not know in Extra.
func (p *FoundPerson) UnmarshalJSON(data []byte) (err error) {
	*p = FoundPerson{}
	p.Extra, err = readKnown(data, p)
	return err
}

// MarshalJSON writes the person with what is in Extra.
func (p FoundPerson) MarshalJSON() ([]byte, error) {
	type plain FoundPerson
	return withExtra(plain(p), p.Extra)
}

// UnmarshalJSON reads a company and keeps what it does not know in Extra.
func (c *FoundCompany) UnmarshalJSON(data []byte) (err error) {
	*c = FoundCompany{}
	c.Extra, err = readKnown(data, c)
	return err
}

// MarshalJSON writes the company with what is in Extra.
func (c FoundCompany) MarshalJSON() ([]byte, error) {
	type plain FoundCompany
	return withExtra(plain(c), c.Extra)
}
