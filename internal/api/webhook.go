package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/claygate/claygate/internal/intake"
	"github.com/claygate/claygate/internal/ledger"
)

// webhookPath is where Clay takes rows, and where this gateway does in its place: a client changes the host and no more.
const webhookPath = "/v3/sources/webhook/"

// ingestForm is how the last part of Clay's webhook URLs begins, before a UUID (docs/clay.md). An ingest key is that UUID.
const ingestForm = "pull-in-data-from-a-webhook-"

// newIngest makes the secret of an ingest key. It is a UUID, so that it can stand in a URL of Clay's shape.
func newIngest() string {
	id := uuid.New()
	return "cg_" + hex.EncodeToString(id[:])
}

// ingestPath returns the path of an ingest key's URL.
func ingestPath(secret string) string {
	raw, err := hex.DecodeString(strings.TrimPrefix(secret, "cg_"))
	if err != nil || len(raw) != 16 {
		return ""
	}
	return webhookPath + ingestForm + uuid.UUID(raw).String()
}

// ingestSecret returns the secret of the key whose URL's last part this is.
func ingestSecret(segment string) (string, bool) {
	text, ok := strings.CutPrefix(segment, ingestForm)
	id, err := uuid.Parse(text)
	return "cg_" + hex.EncodeToString(id[:]), ok && err == nil && len(text) == 36
}

// webhook answers POST /v3/sources/webhook/{target or ingest URL} as Clay does: bare rows in, Clay's statuses and bodies
// out. Rows are on disk before the answer; an array is taken as its rows, all or none.
func (s *server) webhook(c *call) error {
	if err := s.feed(c); err != nil {
		return s.refuseAsClay(c, err)
	}
	return c.write(http.StatusOK, []byte(`{"success":true}`))
}

func (s *server) feed(c *call) error {
	t, err := s.fed(c)
	if err != nil {
		return err
	}
	if c.Method != http.MethodPost {
		c.w.Header().Set("Allow", http.MethodPost)
		return refusal(methodNotAllowed, "Use POST")
	}
	if form, err := bodyFormat(c.Request); err != nil {
		return err
	} else if form != jsonBody {
		return refusal(unsupported, "the Content-Type must be application/json")
	}
	raw, err := c.body(maxArray)
	if err != nil {
		return err
	}
	items, err := rows(raw)
	if err != nil {
		return err
	}
	for i := range items {
		items[i].APIKey = c.who.id()
	}
	ctx, done := c.change()
	defer done()
	_, err = s.Intake.SubmitAll(ctx, t.Name, items)
	return err
}

// rows reads one object, or an array of them. What each holds is for the intake to check.
func rows(raw []byte) ([]intake.Item, error) {
	text := bytes.TrimLeft(raw, " \t\r\n")
	if len(text) == 0 || text[0] != '[' {
		return []intake.Item{{Fields: raw}}, nil
	}
	elements, n, err := intake.Elements(raw, maxArrayLength)
	switch {
	case err != nil:
		return nil, refusal(invalid, "%s", err)
	case n > maxArrayLength:
		return nil, refusal(invalid, "the array has %d rows, and %d is the most", n, maxArrayLength)
	}
	items := make([]intake.Item, n)
	for i, e := range elements {
		items[i].Fields = e.Value
	}
	return items, nil
}

// fed returns the target that the URL leads to, when the caller may feed it: by the URL itself, or by a key in Clay's
// header or as Bearer. Whoever may not is told as Clay tells a wrong token.
func (s *server) fed(c *call) (*Target, error) {
	segment := c.PathValue("webhook")
	if secret, ok := ingestSecret(segment); ok {
		keys, err := s.keys.current(c.Context())
		if err != nil {
			return nil, err
		}
		if key, ok := keys.valid[sha256.Sum256([]byte(secret))]; ok && key.Ingest != "" {
			if t, ok := s.reached(caller{key}, key.Ingest); ok {
				c.who.key = key
				return t, nil
			}
		}
		return nil, refusal(notFound, "Not found")
	}
	c.keyIn("X-Clay-Webhook-Auth")
	if err := s.admit(c); err != nil {
		return nil, err
	}
	if err := c.who.allowed([]ledger.Scope{ledger.ScopeSend}); err != nil {
		return nil, err
	}
	if t, ok := s.reached(c.who, segment); ok {
		return t, nil
	}
	return nil, refusal(notFound, "there is no target %.100q", segment)
}
