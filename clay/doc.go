// Package clay sends records to Clay (clay.com) and receives what Clay made of
// them, with nothing but the standard library.
//
// Clay makes a new row, and charges for it, for every POST it accepts, and drops
// what comes faster than 10 a second. So this package observes how far each
// request got, and its errors say whether sending a record again is free, may make
// a second row, or is pointless.
//
// The package is independent of Clay. What it knows about Clay is in docs/clay.md.
package clay
