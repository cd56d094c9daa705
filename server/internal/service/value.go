package service

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/internal/snapshot"
)

// valueOf takes a value off the wire. There every number is a double: one beyond
// +-(2^53-1) may have been an integer that lost digits.
func valueOf(v *structpb.Value) (snapshot.Value, error) {
	plain, err := plainOf(v, 0)
	if err != nil {
		return snapshot.Value{}, err
	}
	text, err := json.Marshal(plain)
	if err != nil {
		return snapshot.Value{}, fmt.Errorf("cannot be encoded: %w", err)
	}
	return snapshot.ParseValue(text)
}

func plainOf(v *structpb.Value, depth int) (any, error) {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_NullValue:
		return nil, nil
	case *structpb.Value_BoolValue:
		return kind.BoolValue, nil
	case *structpb.Value_StringValue:
		return kind.StringValue, nil
	case *structpb.Value_NumberValue:
		f := kind.NumberValue
		if math.IsNaN(f) || math.Abs(f) > snapshot.MaxInteger { // infinities included
			return nil, errors.New("has a number that is none, or beyond +-(2^53-1); write it in double quotes")
		}
		return f, nil
	case *structpb.Value_ListValue:
		if depth == snapshot.MaxDepth {
			return nil, tooDeep()
		}
		list := make([]any, len(kind.ListValue.GetValues()))
		for i, item := range kind.ListValue.GetValues() {
			var err error
			if list[i], err = plainOf(item, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	case *structpb.Value_StructValue:
		if depth == snapshot.MaxDepth {
			return nil, tooDeep()
		}
		fields := make(map[string]any, len(kind.StructValue.GetFields()))
		for name, item := range kind.StructValue.GetFields() {
			var err error
			if fields[name], err = plainOf(item, depth+1); err != nil {
				return nil, err
			}
		}
		return fields, nil
	}
	return nil, errors.New("has a part that is no value; accepted: any JSON value, null included")
}

func tooDeep() error { return fmt.Errorf("is nested deeper than %d levels", snapshot.MaxDepth) }

// fits refuses an answer that does not fit one message.
func fits(m proto.Message, what string) error {
	if size := proto.Size(m); size > maxAnswer {
		return fault.New(configv1.ErrorReason_TOO_LARGE, "%s has %d bytes; accepted: at most %d in one answer", what, size, maxAnswer)
	}
	return nil
}

// storeFault is the answer when the store did not do what was asked.
func storeFault(words string, cause error) error {
	f := fault.New(configv1.ErrorReason_STORE_UNAVAILABLE, "%s", words)
	f.Cause = cause
	return f
}
