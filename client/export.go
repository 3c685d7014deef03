package client

import (
	"context"
	"io"
	"net/http"
	"net/url"
)

// Export says what to export: a workspace or a target.
type Export struct {
	Workspace string
	Target    string
}

// Export writes all records of a workspace or a target, one JSON object a line: a [Record] with Fields and Attempts. It takes
// the scope admin, or read with a key that is bound to what is exported. After an error what was written is not whole.
func (c *Client) Export(ctx context.Context, e Export, to io.Writer) error {
	query := url.Values{}
	for name, value := range map[string]string{"workspace": e.Workspace, "target": e.Target} {
		if value != "" {
			query.Set(name, value)
		}
	}
	res, err := c.send(ctx, request{method: http.MethodGet, path: "/v1/export", query: query})
	if err != nil {
		return err
	}
	defer res.Body.Close()
	from := &heard{body: res.Body}
	if _, err := io.Copy(to, from); from.err != nil {
		return &Unreachable{"the export broke off", from.err}
	} else if err != nil {
		return err
	}
	return nil
}

// heard tells an error of what is read from one of what is written.
type heard struct {
	body io.Reader
	err  error
}

// Read implements io.Reader.
func (h *heard) Read(p []byte) (int, error) {
	n, err := h.body.Read(p)
	if err != nil && err != io.EOF {
		h.err = err
	}
	return n, err
}
