package robust

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// OpKind says what an Op is.
type OpKind string

// The kinds.
const (
	OpWrite   OpKind = "write"   // a transaction of a writer
	OpGet     OpKind = "get"     // one key, from a sidecar
	OpScrape  OpKind = "scrape"  // metrics and readiness of a sidecar
	OpOpen    OpKind = "open"    // a connection of a watch begins
	OpMessage OpKind = "message" // a message of that connection
	OpFault   OpKind = "fault"   // from before Inject to after Recover
	OpMoved   OpKind = "moved"   // from a fault until a sidecar was seen to be over it
	OpFinal   OpKind = "final"   // the content of the store, read through its quorum
)

// Op is one operation of one client. Times count from the beginning of the campaign,
// by the monotonic clock.
type Op struct {
	Client   string        `json:"client"`
	Kind     OpKind        `json:"kind"`
	Call     time.Duration `json:"call"`
	Return   time.Duration `json:"return"`
	Error    string        `json:"error,omitempty"` // of a write: its outcome is unknown
	Revision int64         `json:"revision,omitempty"`
	Writes   []Write       `json:"writes,omitempty"`

	// Of a get and a scrape.
	Epoch    string        `json:"epoch,omitempty"`
	Fresh    bool          `json:"fresh,omitempty"`
	Verified time.Duration `json:"verified,omitempty"` // when the proof was sent; as Call
	Key      string        `json:"key,omitempty"`
	Entry    *Entry        `json:"entry,omitempty"`
	Ready    bool          `json:"ready,omitempty"`

	// Of a watch.
	Selection *Selection `json:"selection,omitempty"`
	Resume    *Point     `json:"resume,omitempty"`
	Message   *Message   `json:"message,omitempty"`

	// Of a fault and what follows from it.
	Fault string `json:"fault,omitempty"`
	Bit   bool   `json:"bit,omitempty"`
}

// Write is one write to one key.
type Write struct {
	Revision  int64  `json:"revision,omitempty"`
	Namespace string `json:"namespace"`
	Env       string `json:"env"`
	Key       string `json:"key"`
	Value     string `json:"value,omitempty"` // canonical JSON
	Deleted   bool   `json:"deleted,omitempty"`
}

// Plan is what a campaign sets out to do. A run that did less proves nothing.
type Plan struct {
	Name        string
	Seed        uint64
	Namespace   string
	Environment string
	Form        Form

	Writes   int // acknowledged ones, at least
	Gets     int
	Faults   int
	Watchers int

	Outage bool // each fault has to interrupt the writes
	// Goals; what fails is the form's affair.
	MaxOutage time.Duration // how long one may; 0: does not matter
	Settle    time.Duration // from the last write until every watcher has it
	MaxMove   time.Duration // from a fault until a sidecar is over it

	Began time.Time // where the times of the history count from
}

// Names of the files of a run.
const (
	planFile    = "plan.json"
	historyFile = "history.jsonl"
	oracleFile  = "oracle.jsonl"
)

// History takes down the operations of a run, in its directory. It is safe for
// concurrent use.
type History struct {
	began time.Time
	file  *os.File

	mu     sync.Mutex
	buffer *bufio.Writer
	enc    *json.Encoder
	failed error
}

// NewHistory begins the history of a campaign.
func NewHistory(dir string, plan Plan) (*History, error) {
	h := &History{began: time.Now()}
	plan.Began = h.began
	text, err := json.MarshalIndent(plan, "", " ")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, planFile), text, 0o600); err != nil {
		return nil, err
	}
	if h.file, err = os.Create(filepath.Join(dir, historyFile)); err != nil {
		return nil, err
	}
	h.buffer = bufio.NewWriterSize(h.file, 1<<20)
	h.enc = json.NewEncoder(h.buffer)
	return h, nil
}

// Now is the time since the beginning.
func (h *History) Now() time.Duration { return time.Since(h.began) }

// At is a time of the wall clock as time since the beginning; 0 for the zero time.
func (h *History) At(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return t.Sub(h.began.Round(0)) // by the wall clock
}

// Add takes down an operation that has ended.
func (h *History) Add(op Op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.enc.Encode(op); err != nil && h.failed == nil {
		h.failed = err
	}
}

// Close ends the history, and tells if any of it was lost.
func (h *History) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, err := range []error{h.buffer.Flush(), h.file.Close()} {
		if h.failed == nil {
			h.failed = err
		}
	}
	return h.failed
}

// Save keeps all writes that the oracle saw, beside the history.
func (o *Oracle) Save(dir string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	file, err := os.Create(filepath.Join(dir, oracleFile))
	if err != nil {
		return err
	}
	buffer := bufio.NewWriter(file)
	enc := json.NewEncoder(buffer)
	for _, w := range o.writes {
		if err == nil {
			err = enc.Encode(w)
		}
	}
	for _, failed := range []error{buffer.Flush(), file.Close()} {
		if err == nil {
			err = failed
		}
	}
	return err
}
