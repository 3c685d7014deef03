package cli

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/pflag"
)

// flagProblem says what is wrong with a flag, without the terms of the language that reads it.
func flagProblem(err error) string {
	bad, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err.Error()
	}
	why := bad.Unwrap()
	if number, ok := errors.AsType[*strconv.NumError](why); ok {
		why = fmt.Errorf("%q is no number", number.Num)
		if errors.Is(number.Err, strconv.ErrRange) {
			why = fmt.Errorf("%s is too large", number.Num)
		}
	}
	return fmt.Sprintf("--%s: %v", bad.GetFlag().Name, why)
}
