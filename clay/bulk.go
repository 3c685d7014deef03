package clay

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"net/http"
	"os"
	"time"
)

// slowest is the speed below which an upload is given up, in bytes a second.
const slowest = 64 << 10

// File is a file of items at Clay, ready to be started.
type File struct {
	// ID is what StartBulk takes.
	ID    string
	Items int   // how many it holds
	Bytes int64 // how long it is
}

// Bulk uploads items and starts one run for all of them: Upload, then StartBulk. It
// is the way for thousands; for up to 100 items Run is faster.
func (r *Routine) Bulk(ctx context.Context, items iter.Seq[Item], opts RunOptions) (*Run, error) {
	if e := checkStart(r.id, opts); e != nil {
		return nil, e
	}
	f, err := r.Upload(ctx, items)
	if err != nil {
		return nil, err
	}
	return r.StartBulk(ctx, f.ID, opts)
}

// Upload writes items as JSON lines and gives them to Clay. Nothing runs or costs yet,
// so it is tried again after any failure that may pass. Items are checked as by Run,
// and read once, one at a time: they pass through a temporary file (os.TempDir), so
// that memory does not grow with them but for some 20 bytes an id.
func (r *Routine) Upload(ctx context.Context, items iter.Seq[Item]) (File, error) {
	if e := checkStart(r.id, RunOptions{}); e != nil {
		return File{}, e
	}
	if e := r.c.needKey(opUpload); e != nil {
		return File{}, e
	}
	tmp, err := os.CreateTemp("", "claygate-*.jsonl")
	if err != nil {
		return File{}, refused(opUpload, KindConfig, "the items pass through a temporary file; set TMPDIR to a folder with room", err)
	}
	defer func() {
		_ = tmp.Close()
		_ = os.Remove(tmp.Name())
	}()
	f, e := spool(ctx, tmp, items)
	if e == nil {
		e = r.upload(ctx, &f, tmp)
	}
	if e != nil {
		return File{}, e
	}
	return f, nil
}

const opUpload = "upload items"

// OpStore is the [Error.Op] of putting a bulk run's file into the store whose address Clay gave. What the store refuses
// says nothing about the API's key, plan or routine, as a refused address would.
const OpStore = "store items"

// spool writes the items' lines.
func spool(ctx context.Context, to io.Writer, items iter.Seq[Item]) (f File, e *Error) {
	w := bufio.NewWriterSize(to, 64<<10)
	seen, seed := map[uint64]struct{}{}, maphash.MakeSeed()
	for it := range items {
		if err := ctx.Err(); err != nil {
			return f, refused(opUpload, KindNotSent, "nothing was sent", err)
		}
		key := maphash.String(seed, it.ID)
		if _, twice := seen[key]; twice {
			return f, refused(opUpload, KindInvalid, "give every item an id of its own", fmt.Errorf("item %d: the id %.80q occurs twice", f.Items, it.ID))
		}
		seen[key] = struct{}{}
		wire, e := checkItem(opUpload, f.Items, it)
		if e != nil {
			return f, e
		}
		line, err := json.Marshal(wire) // compact, so on one line
		if err == nil {
			_, err = w.Write(append(line, '\n'))
		}
		if err != nil {
			return f, spoolFailed(err)
		}
		f.Items++
		f.Bytes += int64(len(line)) + 1
	}
	if err := w.Flush(); err != nil {
		return f, spoolFailed(err)
	}
	if f.Items == 0 {
		return f, refused(opUpload, KindInvalid, "give at least one item", errors.New("no items"))
	}
	return f, nil
}

func spoolFailed(err error) *Error {
	return refused(opUpload, KindConfig, "the items pass through a temporary file; set TMPDIR to a folder with room", err)
}

// upload asks for an address and puts the file there, twice if the first address has
// died meanwhile.
func (r *Routine) upload(ctx context.Context, f *File, from io.ReaderAt) *Error {
	var e *Error
	for range 2 {
		out, a, err := ask[struct {
			URL string `json:"upload_url"`
			ID  string `json:"file_id"`
		}](ctx, r.c, call{
			op: opUpload, method: http.MethodPost, path: []string{"routines", r.id, "run-batch", "upload-url"},
			repeatable: rereads, hints: startHints,
		})
		if err != nil {
			return asError(err)
		}
		if out.ID == "" {
			return incomplete(opUpload, a, "it holds no file_id")
		}
		u, e2 := r.c.signedURL(OpStore, out.URL)
		if e2 != nil {
			return e2
		}
		f.ID = out.ID
		_, e = r.c.run(ctx, operation{
			op: OpStore, waits: ctx, repeatable: rereads,
			once: func(ctx context.Context) (int, *Error) {
				return r.c.put(ctx, signed{op: OpStore, method: http.MethodPut, url: u, body: io.NewSectionReader(from, 0, f.Bytes), size: f.Bytes})
			},
		})
		if e == nil || e.Kind != KindForbidden {
			return e
		}
	}
	return e
}

// put makes one try to upload, and returns the status of its success.
func (c *Client) put(ctx context.Context, s signed) (int, *Error) {
	limit := c.cfg.Timeout + time.Duration(s.size/slowest)*time.Second
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the upload took longer than %s: %w", limit, context.DeadlineExceeded))
	defer cancel()
	resp, e := c.open(ctx, s)
	if e != nil {
		return 0, e
	}
	_, _ = readBody(resp, maxBody) // the status has said it
	return resp.StatusCode, nil
}

// StartBulk starts a run for an uploaded file. It is repeated, and fails, as Run does:
// each start may cost. The same file may be started again, e.g. after a run that ended
// as RunProcessingFailed.
func (r *Routine) StartBulk(ctx context.Context, fileID string, opts RunOptions) (*Run, error) {
	start, e := r.bulk(fileID, opts)
	if e != nil {
		return nil, e
	}
	out, a, err := ask[started](ctx, r.c, start)
	return r.c.begun(out, a, true, err)
}

// StartBulkOnce makes exactly one try of StartBulk, without pacing or waiting.
func (r *Routine) StartBulkOnce(ctx context.Context, fileID string, opts RunOptions) (*Run, error) {
	start, e := r.bulk(fileID, opts)
	if e != nil {
		return nil, e
	}
	return r.c.beginOnce(ctx, start, true)
}

func (r *Routine) bulk(fileID string, opts RunOptions) (call, *Error) {
	if e := checkStart(r.id, opts); e != nil {
		return call{}, e
	}
	if fileID == "" {
		return call{}, refused(opRun, KindInvalid, "upload the items first", errors.New("the file's id is empty"))
	}
	return call{
		op: opRun, method: http.MethodPost, path: []string{"routines", r.id, "run-batch", "start"},
		body: struct {
			FileID    string `json:"file_id"`
			WebhookID string `json:"webhook_id,omitempty"`
		}{fileID, opts.WebhookID},
		starts: true, repeatable: restarts, hints: startHints,
	}, nil
}
