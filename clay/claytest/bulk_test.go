package claytest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/claygate/claygate/clay/claytest"
)

// call asks the Public API; body "" means none.
func call(t *testing.T, s *claytest.Server, method, path, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequest(method, s.URL()+claytest.PublicAPIPath+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("clay-api-key", "k")
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, resp)
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s %s: %d %s", method, path, resp.StatusCode, text)
	}
	return resp.StatusCode, v
}

// put uploads a file and returns the store's status.
func put(t *testing.T, s *claytest.Server, url, body, key string, chunked bool) int {
	t.Helper()
	var from io.Reader = strings.NewReader(body)
	if chunked {
		from = io.MultiReader(from)
	}
	req, err := http.NewRequest(http.MethodPut, url, from)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("clay-api-key", key)
	}
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	read(t, resp)
	return resp.StatusCode
}

// batch uploads a file, starts a run with it and returns how that ended.
func batch(t *testing.T, s *claytest.Server, file string) map[string]any {
	t.Helper()
	status, place := call(t, s, "POST", "/routines/function:t_1/run-batch/upload-url", "")
	if status != 200 {
		t.Fatal(status, place)
	}
	if status := put(t, s, place["upload_url"].(string), file, "", false); status != 200 {
		t.Fatal(status)
	}
	status, run := call(t, s, "POST", "/routines/function:t_1/run-batch/start", `{"file_id":"`+place["file_id"].(string)+`"}`)
	if status != 202 {
		t.Fatal(status, run)
	}
	id := run["routine_run_id"].(string)
	if status, got := call(t, s, "GET", "/routines/run-batch/"+id+"/results", ""); status != 202 || got["status"] != "in_progress" {
		t.Fatal(status, got)
	}
	if status, _ := call(t, s, "GET", "/routines/run/"+id+"/results", ""); status != 404 {
		t.Errorf("a bulk run answers as an inline one: %d", status)
	}
	<-time.After(10 * time.Second)
	status, got := call(t, s, "GET", "/routines/run-batch/"+id+"/results", "")
	if status != 200 || got["routine_run_id"] != id {
		t.Fatal(status, got)
	}
	return got
}

func TestBatchFiles(t *testing.T) {
	long := strings.Repeat("x", 65)
	type detail struct {
		Line    float64
		Field   string
		Message string
	}
	for name, tt := range map[string]struct {
		file   string
		status string
		total  float64
		want   []detail
	}{
		"good":          {`{"id":"a","inputs":{}}` + "\n\n" + `{"id":"b","inputs":{"x":1}}`, "complete", 2, nil},
		"empty":         {"", "validation_failed", 0, []detail{}},
		"broken":        {"{\n" + `{"id":"b","inputs":{}}`, "validation_failed", 1, []detail{{1, "line", "not valid JSON"}}},
		"long id":       {`{"id":"` + long + `","inputs":{}}`, "validation_failed", 1, []detail{{1, "id", "id is no string of 1 to 64 characters"}}},
		"no inputs":     {`{"id":"a"}`, "validation_failed", 1, []detail{{1, "inputs", "inputs is missing"}}},
		"array":         {`{"id":"a","inputs":[]}`, "validation_failed", 1, []detail{{1, "inputs", "inputs is no object"}}},
		"doubled":       {`{"id":"a","inputs":{}}` + "\n" + `{"id":"a","inputs":{}}`, "validation_failed", 1, []detail{{2, "id", "id occurs twice"}}},
		"unknown field": {`{"id":"a","inputs":{},"x":1}`, "validation_failed", 1, []detail{{1, "line", "x is not known here"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := claytest.New(t, claytest.Options{InMemory: true})
				got := batch(t, s, tt.file)
				if got["status"] != tt.status {
					t.Fatalf("%v", got)
				}
				if tt.status == "complete" {
					if got["total"] != tt.total || got["finished"] != tt.total {
						t.Errorf("%v", got)
					}
					return
				}
				failure := got["error"].(map[string]any)
				details := []detail{}
				for _, d := range failure["details"].([]any) {
					d := d.(map[string]any)
					details = append(details, detail{d["line_number"].(float64), d["field"].(string), d["message"].(string)})
				}
				if diff := cmp.Diff(tt.want, details); diff != "" || failure["total_invalid_rows"] != tt.total {
					t.Errorf("%v %s", failure, diff)
				}
			})
		})
	}
}

// Clay lists no more than the first hundred faults.
func TestBatchDetailsAreCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := claytest.New(t, claytest.Options{InMemory: true})
		failure := batch(t, s, strings.Repeat("x\n", 250))["error"].(map[string]any)
		if n := len(failure["details"].([]any)); n != 100 || failure["total_invalid_rows"] != 250.0 {
			t.Errorf("%d details of %v", n, failure["total_invalid_rows"])
		}
	})
}

// The file store knows its own addresses only, while they live, and wants no key.
func TestFileStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := claytest.New(t, claytest.Options{InMemory: true, PublicAPI: claytest.PublicAPI{MaxUpload: 100}})
		_, place := call(t, s, "POST", "/routines/function:t_1/run-batch/upload-url", "")
		url := place["upload_url"].(string)
		for name, tt := range map[string]struct {
			url, body, key string
			chunked        bool
			status         int
		}{
			"good":     {url, "x", "", false, 200},
			"key":      {url, "x", "k", false, 400},
			"forged":   {url + "0", "x", "", false, 403},
			"unknown":  {strings.Replace(url, "file_", "file_0", 1), "x", "", false, 403},
			"chunked":  {url, "x", "", true, 411},
			"too long": {url, strings.Repeat("x", 101), "", false, 413},
		} {
			if status := put(t, s, tt.url, tt.body, tt.key, tt.chunked); status != tt.status {
				t.Errorf("%s: %d, want %d", name, status, tt.status)
			}
		}
		start := func(routine, file string) int {
			status, _ := call(t, s, "POST", "/routines/"+routine+"/run-batch/start", `{"file_id":"`+file+`"}`)
			return status
		}
		file := place["file_id"].(string)
		if a, b, c := start("function:t_1", "file_none"), start("function:t_2", file), start("nothing", file); a != 400 || b != 400 || c != 404 {
			t.Errorf("unknown file %d, another's %d, unknown routine %d", a, b, c)
		}
		<-time.After(time.Hour)
		if status := put(t, s, url, "x", "", false); status != 403 {
			t.Errorf("expired: %d", status)
		}
	})
}
