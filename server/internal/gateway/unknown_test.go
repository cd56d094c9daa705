package gateway_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Of somebody who is not known a large body is not even read; the answer is the one to
// everybody who is not known.
func TestALargeBodyOfNobodyIsNotRead(t *testing.T) {
	t.Parallel()
	s := openControl(t)
	const begun = "POST /v1/admin/commit HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer x\r\n"
	for name, rest := range map[string]string{
		"announced":     "Content-Length: 5000000\r\n\r\n{",
		"not announced": "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
	} {
		w := s.dial(t)
		if _, err := io.WriteString(w, begun+rest); err != nil {
			t.Fatal(err)
		}
		wantRefused(t, w.answer(t, http.MethodPost), http.StatusUnauthorized, "UNAUTHENTICATED", "no usable credential")
		if !w.closed() {
			t.Errorf("%s: the connection stays open", name)
		}
	}
	a := s.post(t, "/v1/admin/commit", fmt.Sprintf(`{"namespace":"pay","environment":"test","message":"m","changes":[{"key":"a","set":"%s"}]}`, strings.Repeat("x", 100<<10)))
	if a.status != http.StatusOK {
		t.Errorf("a large body of somebody: %d %s", a.status, a.body)
	}
}
