package gateway

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/config-service/config-service/server/internal/fault"
)

// checkQuery parses a query strictly: every parameter is a field of the request, its
// value can be read, and only lists repeat. It returns nil for no query. (The
// gateway itself would ignore what it does not know.)
func (rt *route) checkQuery(raw string) (url.Values, error) {
	if raw == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fault.Field("query", errors.New("is malformed; accepted: name=value pairs joined by '&', percent-encoded"))
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		field := rt.parameter(name)
		if field == nil {
			return nil, fault.Field(quoteName(name), fmt.Errorf("is no parameter of this path; accepted: %s", rt.parameters()))
		}
		values := query[name]
		if len(values) > 1 && !field.IsList() {
			return nil, fault.Field(name, errors.New("is given more than once; accepted: one value"))
		}
		if enum := field.Enum(); enum != nil && enum.Values().ByName(protoreflect.Name(values[0])) == nil {
			return nil, fault.Field(name, fmt.Errorf("is %s; accepted: %s", quoteName(values[0]), form(field)))
		}
		scratch := dynamicpb.NewMessage(rt.request)
		if err := runtime.PopulateQueryParameters(scratch, url.Values{name: values}, utilities.NewDoubleArray(nil)); err != nil {
			return nil, fault.Field(name, fmt.Errorf("cannot be read; accepted: %s", form(field)))
		}
	}
	return query, nil
}

func quoteName(name string) string {
	if len(name) > 64 {
		name = name[:64] + "..."
	}
	return strconv.QuoteToASCII(name)
}

// parameter returns the field a parameter stands for, by its name in the contract, or
// nil. The key of a path is not a parameter.
func (rt *route) parameter(name string) protoreflect.FieldDescriptor {
	if strings.HasSuffix(rt.path(), "/") && name == "key" {
		return nil
	}
	head, tail, nested := strings.Cut(name, ".")
	field := rt.request.Fields().ByName(protoreflect.Name(head))
	if field == nil || !nested {
		if field != nil && field.Message() != nil && !isDuration(field) {
			return nil
		}
		return field
	}
	if field.Message() == nil || isDuration(field) {
		return nil
	}
	return field.Message().Fields().ByName(protoreflect.Name(tail))
}

func isDuration(f protoreflect.FieldDescriptor) bool {
	return f.Message() != nil && f.Message().FullName() == "google.protobuf.Duration"
}

// parameters lists what a query of the route may hold.
func (rt *route) parameters() string {
	var names []string
	fields := rt.request.Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if f.Message() == nil || isDuration(f) {
			names = append(names, string(f.Name()))
			continue
		}
		for j := range f.Message().Fields().Len() {
			names = append(names, string(f.Name())+"."+string(f.Message().Fields().Get(j).Name()))
		}
	}
	kept := names[:0]
	for _, n := range names {
		if rt.parameter(n) != nil {
			kept = append(kept, n)
		}
	}
	if len(kept) == 0 {
		return "none"
	}
	return strings.Join(kept, ", ")
}

func form(f protoreflect.FieldDescriptor) string {
	switch {
	case isDuration(f):
		return "seconds with unit, as in 5s"
	case f.Kind() == protoreflect.Int64Kind || f.Kind() == protoreflect.Int32Kind:
		return "an integer"
	case f.Enum() != nil:
		var names []string
		for i := range f.Enum().Values().Len() {
			if v := f.Enum().Values().Get(i); v.Number() != 0 { // which is never sent
				names = append(names, string(v.Name()))
			}
		}
		return strings.Join(names, ", ")
	}
	return "UTF-8 text"
}

// maxEpochBytes is above any epoch this service has ever given out; the contract takes
// no longer one.
const maxEpochBytes = 128

// withLastEventID adds the resume point an SSE client brings, unless the query has
// one. An id that is none of ours resumes nothing: the stream begins with a snapshot.
func withLastEventID(query url.Values, id string) url.Values {
	i := strings.LastIndexByte(id, '.')
	if i <= 0 || i > maxEpochBytes || query.Has("resume.epoch") || query.Has("resume.revision") {
		return query
	}
	if n, err := strconv.ParseInt(id[i+1:], 10, 64); err != nil || n <= 0 {
		return query
	}
	if query == nil {
		query = url.Values{}
	}
	query.Set("resume.epoch", id[:i])
	query.Set("resume.revision", id[i+1:])
	return query
}
