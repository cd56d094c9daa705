// Package configclient reads the configuration of a service from its sidecar and keeps it
// in memory.
//
//	config, err := configclient.Open(ctx)
//	if err != nil {
//		return err // a setting that can never work
//	}
//	defer config.Close()
//	size := configclient.Get(config, "database.pool_size", 10)
//
// Reads answer from memory, in nanoseconds, with or without a sidecar; one background watch
// keeps the memory current. Nothing that goes wrong with the sidecar, the network, the disk
// or the values reaches a read as a delay, or as another error than those named here. The
// order is: live values, the cache file if there is one, the caller's default.
//
// # Reading
//
//   - [Get] answers a value as the type of its default. It never fails.
//   - [NewValue] is the same for a key that is read often: one value, decoded when it changes.
//   - [Bind] makes a struct of all keys below a prefix.
//   - [Client.Get], [Client.Lookup], [Client.Snapshot] and [Client.Detail] answer what is there,
//     or why there is nothing.
//   - [Client.Int] and its kin insist on a type.
//
// Absent, null and not yet loaded are three answers. A number is a double: 3 and 3.0 are the
// same value, and suit an int. What is answered belongs to the caller, but for what a Value
// answers, which everyone shares.
//
// # Types
//
// Get, NewValue and Bind make a Go value of a JSON value like this, and nothing else:
//
//	bool, string              the same; nothing is parsed
//	int, uint and their kin   a whole number that fits
//	float32, float64          a number
//	time.Duration             a number of seconds, or a string such as "1h30m"
//	[]E, map[string]E         a list, an object
//	struct                    an object, by the json tags of its fields
//	*E                        null, or an E
//	any                       every value
//	what unmarshals itself    as encoding/json has it: slog.Level, netip.Addr, time.Time
//
// A value of another type is logged once per key, and the last good one of the wanted type
// stays in its place, else the default. Fields of a struct that nothing names are those of
// the default; names that no field has are left out.
//
// # States
//
// [Client.Status] says what the values stand for: INITIALIZING (there are none), VALID
// (current), STALE (the last ones known), DENIED (the sidecar refuses; the last ones stay),
// CLOSED. Open waits for the first values for 2 s at most, [WithTimeout] for another time;
// [Client.WaitReady] waits as long as it is told.
//
// # Errors
//
// Reads fail with an [Error] of one of the kinds [ErrKeyMissing], [ErrUnavailable],
// [ErrDenied], [ErrInvalidKey] and [ErrWrongType]. Open fails with a [SettingError].
//
// # Settings
//
//	WithAddress      CONFIG_SERVICE_ADDR        localhost:9080; unix:/path for a socket
//	WithNamespace    SERVICE_NAME               that of the sidecar
//	WithEnvironment  ENVIRONMENT                that of the sidecar
//	WithTimeout                                 2 s
//	WithTokenFile    CONFIG_SERVICE_TOKEN_FILE  no credential
//	WithCacheFile    CONFIG_SERVICE_CACHE_FILE  no file
//
// The option comes before the variable, and that before the default. A token is sent to
// loopback, to a socket, or over TLS ([WithDialOptions]). A proxy named in the environment
// is never used.
//
// # Limits
//
// A client is one connection with one stream, three goroutines, and the values in memory,
// those of the last 2 states while a listener is behind. A message is at most 8 MiB, a cache
// file 16 MiB. When the stream breaks the client comes back after 50 to 100 ms, and at its
// slowest every 1 to 2 s; after a refusal every 5 to 6.5 s. A stream that is silent for 45 s
// counts as broken.
//
// # Concurrency
//
// Everything may be called by any number of goroutines. Reads take no lock. Functions given
// to [Client.OnChange] run one after another in one goroutine that does nothing else.
// Whoever opens a client closes it.
package configclient
