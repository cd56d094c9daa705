package configclient_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/config-service/config-service/clients/go/configclient"
)

// A value, its default, and a change of it.
func Example() {
	config, err := configclient.Open(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	defer config.Close()
	fmt.Println(configclient.Get(config, "database.pool_size", 10))
	fmt.Println(configclient.Get(config, "database.max_idle", 5))
	// Output:
	// 20
	// 5
}

// With a cache file the program starts with the last values when there is no sidecar.
func ExampleOpen() {
	config, err := configclient.Open(context.Background(),
		configclient.WithNamespace("payment-service"),
		configclient.WithTimeout(5*time.Second),
		configclient.WithLogger(slog.Default().With("part", "configuration")),
	)
	if err != nil {
		log.Fatal(err) // a setting that can never work
	}
	defer config.Close()
	fmt.Println(config.Status(), config.Namespace(), config.Environment())
	// Output: VALID payment-service development
}

// The type of the default is the type of the answer.
func ExampleGet() {
	config := open20()
	defer config.Close()
	fmt.Println(configclient.Get(config, "database.pool_size", 10))
	fmt.Println(configclient.Get(config, "database.timeout", time.Minute))
	fmt.Println(configclient.Get(config, "database.replicas", []string{"localhost"}))
	fmt.Println(configclient.Get(config, "log.level", slog.LevelInfo))
	fmt.Println(configclient.Get(config, "database.timeout", 60)) // a string is no number
	// Output:
	// 20
	// 1m30s
	// [db-1 db-2]
	// WARN
	// 60
}

// On a path where every nanosecond counts: decoded when it changes, read by one atomic load.
func ExampleNewValue() {
	config := open20()
	defer config.Close()
	timeout := configclient.NewValue(config, "database.timeout", time.Minute)
	for range 3 {
		_ = timeout.Get()
	}
	fmt.Println(timeout.Get(), timeout.Err())
	// Output: 1m30s <nil>
}

// All keys below a prefix as one struct, always of one moment.
func ExampleBind() {
	type Database struct {
		PoolSize int           `json:"pool_size"`
		MaxIdle  int           `json:"max_idle"`
		Timeout  time.Duration `json:"timeout"`
		Replicas []string      `json:"replicas"`
	}
	config := open20()
	defer config.Close()
	database := configclient.Bind(config, "database", Database{MaxIdle: 5})
	fmt.Printf("%+v\n", database.Get())
	// Output: {PoolSize:20 MaxIdle:5 Timeout:1m30s Replicas:[db-1 db-2]}
}

// What changes is told once reads answer it.
func ExampleClient_OnChange() {
	config := open20()
	defer config.Close()
	told := make(chan configclient.Change)
	stop, err := config.OnChange("database.*", func(change configclient.Change) { told <- change })
	if err != nil {
		log.Fatal(err) // a malformed pattern
	}
	defer stop()

	sidecar.Set(standing, "database.max_idle", 3) // as `etcdctl put` does

	change := <-told
	fmt.Println(change.Key, change.Kind, change.Old, change.New)
	fmt.Println(configclient.Get(config, "database.max_idle", 5))
	sidecar.Delete(standing, "database.max_idle")
	fmt.Println((<-told).Kind)
	// Output:
	// database.max_idle ADDED <nil> 3
	// 3
	// DELETED
}

// Without a default a read says why there is no value.
func ExampleClient_Get() {
	config := open20()
	defer config.Close()
	_, err := config.Get("database.pool_siz")
	fmt.Println(err)
	fmt.Println(errors.Is(err, configclient.ErrKeyMissing))

	entry, err := config.Get("database.pool_size")
	fmt.Println(entry.Value, entry.Layer, err)
	// Output:
	// key "database.pool_siz" does not exist in payment-service/development; did you mean "database.pool_size"?
	// true
	// 20 SERVICE_ENVIRONMENT <nil>
}

// The typed getters insist on a type. A default stands in for absence only.
func ExampleClient_Int() {
	config := open20()
	defer config.Close()
	fmt.Println(config.Int("database.pool_size"))
	fmt.Println(config.Int("database.max_open", 100))
	fmt.Println(config.Int("database.timeout", 100))
	// Output:
	// 20 <nil>
	// 100 <nil>
	// 0 "database.timeout" is a string where the program wants an int
}

// All values of one moment.
func ExampleClient_Snapshot() {
	config := open20()
	defer config.Close()
	values, err := config.Snapshot("database")
	fmt.Println(values, err)
	// Output: map[database.pool_size:20 database.replicas:[db-1 db-2] database.timeout:1m30s] <nil>
}

// open20 opens a client of the examples' sidecar, where database.pool_size is 20.
func open20() *configclient.Client {
	config, err := configclient.Open(context.Background(), configclient.WithTimeout(patience), configclient.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		panic(err)
	}
	return config
}
