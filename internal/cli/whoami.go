package cli

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/claygate/claygate/clay"
	"github.com/claygate/claygate/internal/config"
)

// surface is a way to Clay, and what opens it. It never holds what a variable is set to.
type surface struct {
	Name    string   `json:"surface"`
	Set     string   `json:"set_by,omitempty"`
	Serves  string   `json:"serves"`
	State   string   `json:"state"` // works, refused, unknown, not_set, not_tried
	User    string   `json:"user,omitempty"`
	Account string   `json:"workspace,omitempty"` // Clay's name for the workspace
	Credits *float64 `json:"credits,omitempty"`
	Actions *float64 `json:"actions,omitempty"`
	Problem string   `json:"problem,omitempty"`
}

func newWhoami(s Streams) *cobra.Command {
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use: "whoami", Short: "Say which key serves what, whose it is and what is left", Args: noArgs,
		Long: "whoami says which variables are set and what each of them serves, asks Clay's Public API whose key it is and\n" +
			"what the balance is, which costs nothing, and prints no key. With --config it does so for every workspace.",
		RunE: func(c *cobra.Command, _ []string) error {
			return inJSON(asJSON, whoami(c.Context(), s, path, asJSON))
		},
	}
	c.Flags().StringVarP(&path, "config", "c", "", "the configuration's `file`, for its workspaces in place of the variables")
	c.Flags().BoolVar(&asJSON, "json", false, "JSON lines, as pipes get them")
	return c
}

func whoami(ctx context.Context, s Streams, path string, asJSON bool) error {
	surfaces, err := surfacesOf(ctx, s, path)
	if err != nil {
		return err
	}
	l := newListing(s, asJSON, "surface", "set by", "serves", "state")
	var worst error
	for _, one := range surfaces {
		if err := l.add(one.surface, one.Name, cmp.Or(one.Set, "–"), one.Serves, one.state()); err != nil {
			return err
		}
		worst = cmp.Or(worst, one.refused)
	}
	return errors.Join(l.end(), worst)
}

// tried is a surface, and the error of a key that does not work.
type tried struct {
	surface
	refused error
}

// surfacesOf looks at the environment, or at a configuration's workspaces.
func surfacesOf(ctx context.Context, s Streams, path string) ([]tried, error) {
	if path == "" {
		return environmentSurfaces(ctx, s)
	}
	c, err := config.Load(config.Source{Path: path, Getenv: s.Getenv})
	if err != nil {
		return nil, err
	}
	var all []tried
	for _, name := range slices.Sorted(maps.Keys(c.Workspaces)) {
		w := c.Workspaces[name]
		api := surface{Name: name + ": public api", Set: reference(w.PublicAPIKey), Serves: servesAPI}
		all = append(all, tryAPI(ctx, api, w.BaseURL, w.PublicAPIKey.Reveal()))
		all = append(all, untried(name+": enterprise", reference(w.EnterpriseAPIKey), servesEnterprise))
		for _, table := range slices.Sorted(maps.Keys(w.Tables)) {
			for _, hook := range w.Tables[table].Webhooks {
				all = append(all, untried(name+": table "+table, reference(hook.URL), servesWebhook))
			}
		}
	}
	return all, nil
}

// What the surfaces serve.
const (
	servesAPI        = "routines: enrich --routine, person, company, routines"
	servesEnterprise = "person and company, on the Enterprise plan"
	servesWebhook    = "a table: send, enrich"
)

func reference(secret config.Secret) string {
	if !secret.IsSet() {
		return ""
	}
	return strings.Trim(secret.String(), "[]")
}

var errNothingSet = &usageError{
	message: "no key and no webhook of Clay's is set",
	hint:    envPublicKey + " runs routines on any plan, CLAY_WEBHOOK_URL sends to a table; `claygate enrich FILE --emulate` needs neither",
}

func environmentSurfaces(ctx context.Context, s Streams) ([]tried, error) {
	key, from := publicKey(s)
	_, enterprise := enterpriseKey(s)
	_, hook := firstSet(s, "CLAY_WEBHOOK_URL")
	if from == "" && enterprise == "" && hook == "" {
		return nil, errNothingSet
	}
	if _, token := firstSet(s, "CLAY_WEBHOOK_TOKEN"); hook != "" && token != "" {
		hook += " with " + token
	}
	return []tried{
		tryAPI(ctx, surface{Name: "public api", Set: from, Serves: servesAPI}, clayURL(s), key),
		untried("enterprise", enterprise, servesEnterprise), untried("webhook", hook, servesWebhook),
	}, nil
}

// untried is a surface that cannot be tried without cost.
func untried(name, from, serves string) tried {
	state := "not_tried"
	if from == "" {
		state = "not_set"
	}
	return tried{surface: surface{Name: name, Set: from, Serves: serves, State: state}}
}

// tryAPI asks whose key it is. A key that is refused is told of, and the command fails in the end.
func tryAPI(ctx context.Context, of surface, base, key string) tried {
	if of.Set == "" {
		return untried(of.Name, "", of.Serves)
	}
	client, err := publicClient(base, key)
	if err != nil {
		return of.failed(err)
	}
	defer client.Close()
	who, err := client.Me(ctx)
	if err != nil {
		return of.failed(err)
	}
	of.State, of.User, of.Account = "works", cmp.Or(who.UserName, who.UserID), who.WorkspaceID
	if b, err := balanceOf(ctx, client); err == nil && b != nil {
		of.Credits, of.Actions = &b.Credits, b.Actions
	}
	return tried{surface: of}
}

func (of surface) failed(err error) tried {
	of.State = "unknown"
	if errors.Is(err, clay.KindUnauthorized) || errors.Is(err, clay.KindForbidden) {
		of.State = "refused"
	}
	err = refusedKey(of.Set, err)
	of.Problem, _, _ = explain(err)
	return tried{surface: of, refused: err}
}

// state is what people read in the last column.
func (of surface) state() string {
	switch of.State {
	case "works":
		balance := "balance unknown"
		if of.Credits != nil {
			balance = spellBalance(&clay.Balance{Credits: *of.Credits, Actions: of.Actions})
		}
		return "works: " + of.User + ", workspace " + of.Account + ", " + balance
	case "refused", "unknown":
		return of.State
	}
	return strings.ReplaceAll(of.State, "_", " ")
}
