package clay

import "encoding/json"

// FoundPerson is a person that a search found. What Clay does not know is empty; there
// are no e-mail addresses or phone numbers in it (docs/clay.md).
type FoundPerson struct {
	ClayProfileID      int64         `json:"clay_profile_id,omitempty"`
	Name               string        `json:"name,omitempty"`
	FirstName          string        `json:"first_name,omitempty"`
	LastName           string        `json:"last_name,omitempty"`
	Location           FoundLocation `json:"location,omitzero"`
	MatchedExperiences []Experience  `json:"matched_experiences,omitempty"`
	LinkedInURL        string        `json:"linkedin_url,omitempty"`
	// Extra holds every other field as Clay sent it, and those above whose value was
	// of another shape.
	Extra map[string]json.RawMessage `json:"-"`
}

// FoundLocation is where a person is.
type FoundLocation struct {
	Name            string `json:"name,omitempty"`
	City            string `json:"city,omitempty"`
	StateOrProvince string `json:"state_or_province,omitempty"`
}

// Experience is a position of a person that matched the search.
type Experience struct {
	Company   string `json:"company,omitempty"`
	Title     string `json:"title,omitempty"`
	Location  string `json:"location,omitempty"`
	StartDate string `json:"start_date,omitempty"`
	EndDate   string `json:"end_date,omitempty"`
}

// FoundCompany is a company that a search found. What Clay does not know is empty.
type FoundCompany struct {
	ClayCompanyID int64  `json:"clay_company_id,omitempty"`
	Name          string `json:"name,omitempty"`
	// Size and AnnualRevenue are texts such as "51-200 employees".
	Size          string   `json:"size,omitempty"`
	Type          string   `json:"type,omitempty"`
	Domain        string   `json:"domain,omitempty"`
	Country       string   `json:"country,omitempty"`
	Industry      string   `json:"industry,omitempty"`
	Location      string   `json:"location,omitempty"`
	Description   string   `json:"description,omitempty"`
	LinkedInURL   string   `json:"linkedin_url,omitempty"`
	AnnualRevenue string   `json:"annual_revenue,omitempty"`
	TotalFunding  *float64 `json:"total_funding_amount_range_usd,omitempty"`
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
