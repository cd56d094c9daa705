package service

import (
	"fmt"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/replica"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// withHidden adds to a list what its entries hide. It is made for each call: few ask.
func withHidden(resp *configv1.ListResponse, v replica.View, sel snapshot.Selection) (*configv1.ListResponse, error) {
	for _, c := range v.Hidden(sel) {
		h, err := wireHidden(c, v.Masks(c.Item.Key))
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", c.Item.Key, err)
		}
		resp.HiddenEntries = append(resp.HiddenEntries, h)
	}
	if err := fits(resp, "the list with what is hidden"); err != nil {
		return nil, err
	}
	return resp, nil
}

func wireHidden(c snapshot.Candidate, masked bool) (*configv1.HiddenEntry, error) {
	w := &configv1.HiddenEntry{
		Key: c.Item.Key, Layer: configv1.Layer(c.Layer), Revision: c.Item.Revision,
		HiddenBy: &configv1.Candidate_Hider{Key: c.HidBy.Key, Layer: configv1.Layer(c.HidBy.Layer)},
		Masked:   masked,
	}
	if masked || c.Item.Value.IsZero() {
		return w, nil
	}
	var err error
	w.Value, err = wireValue(c.Item.Value)
	return w, err
}
