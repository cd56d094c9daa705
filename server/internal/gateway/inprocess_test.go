package gateway_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/config-service/config-service/server/servertest"
)

// TestAWatchIsRefusedInWords: who is refused before its request was read is told so, and
// not that the stream has ended, whichever of the two comes first.
func TestAWatchIsRefusedInWords(t *testing.T) {
	t.Parallel()
	s := servertest.StartControl(t, servertest.Options{})
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 200 {
				resp, err := http.Get(s.URL + "/v1/watch")
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusUnauthorized {
					t.Errorf("a Watch without a credential is answered %d", resp.StatusCode)
					return
				}
			}
		})
	}
	callers.Wait()
}
