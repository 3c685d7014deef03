package api_test

import (
	"context"
	"flag"
)

var update = flag.Bool("update", false, "write the golden files anew")

// ended returns a context that has ended.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}
