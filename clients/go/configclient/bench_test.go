package configclient_test

import (
	"testing"

	"github.com/config-service/config-service/clients/go/configclient"
	"github.com/config-service/config-service/clients/go/configtest"
)

func BenchmarkReads(b *testing.B) {
	values := configtest.Values{"database.pool_size": 20}
	for _, n := range []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"} {
		for _, m := range []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"} {
			values["key."+n+m] = n
		}
	}
	s := configtest.Start(b, values)
	c := s.Client(b)
	value := configclient.NewValue(c, "database.pool_size", 10)
	for name, read := range map[string]func(){
		"Value.Get": func() { value.Get() },
		"Lookup":    func() { c.Lookup("database.pool_size") },
		"Get":       func() { configclient.Get(c, "database.pool_size", 10) },
		"Int":       func() { _, _ = c.Int("database.pool_size") },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				read()
			}
		})
	}
}
