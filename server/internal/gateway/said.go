package gateway

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
)

// stateHeaders are the headers that say what state an answer stands for, in canonical form. The last is left out while
// there is no such time.
var stateHeaders = [...]string{
	"Config-Epoch", "Config-Revision", "Config-Freshness", "Config-Source", "Config-Namespace", "Config-Environment", "Config-Verified-Time",
}

// said keeps what answers say of a state, in headers and in JSON: many answers in a row carry the same state. It is safe for
// concurrent use.
type said struct{ last atomic.Pointer[saidOf] }

// saidOf is that of one state. Nobody writes to them.
type saidOf struct {
	state  *configv1.State
	values [len(stateHeaders)]string
	json   []byte
}

func (s *said) of(st *configv1.State) *saidOf {
	of := s.last.Load()
	if of == nil || of.state != st {
		of = newSaidOf(st)
		s.last.Store(of)
	}
	return of
}

// json is a state in JSON. Nobody writes to it.
func (s *said) json(st *configv1.State) []byte { return s.of(st).json }

func (s *said) write(h http.Header, st *configv1.State) {
	of := s.of(st)
	for i, name := range stateHeaders {
		if of.values[i] != "" || i < len(stateHeaders)-1 {
			h[name] = of.values[i : i+1 : i+1]
		}
	}
}

func newSaidOf(st *configv1.State) *saidOf {
	of := &saidOf{state: st, json: appendState(nil, st), values: [...]string{
		st.GetEpoch(), strconv.FormatInt(st.GetRevision(), 10), st.GetFreshness().String(), st.GetSource().String(),
		st.GetNamespace(), st.GetEnvironment(), "",
	}}
	if t := st.GetVerifiedTime(); t != nil {
		of.values[len(of.values)-1] = t.AsTime().Format(time.RFC3339Nano)
	}
	return of
}
