package workload

import "go.yaml.in/yaml/v3"

// Resolve is what an alias stands for, and else the node itself.
func Resolve(node *yaml.Node) *yaml.Node {
	for node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

// Entry is a key of a mapping, and its value, as they stand there: what comes by a merge key
// is not looked for. Both are nil when there is none.
func Entry(mapping *yaml.Node, key string) (k, v *yaml.Node) {
	mapping = Resolve(mapping)
	if mapping == nil || mapping.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	return nil, nil
}

// Value is the value of a key, also when it comes by an alias or a merge key; nil when there
// is none.
func Value(mapping *yaml.Node, key string) *yaml.Node {
	if _, v := Entry(mapping, key); v != nil {
		return Resolve(v)
	}
	_, merged := Entry(mapping, "<<")
	merged = Resolve(merged)
	switch {
	case merged == nil:
	case merged.Kind == yaml.MappingNode:
		return Value(merged, key)
	case merged.Kind == yaml.SequenceNode:
		for _, m := range merged.Content {
			if v := Value(m, key); v != nil {
				return v
			}
		}
	}
	return nil
}

// Text is a scalar of a mapping; "" when there is none.
func Text(mapping *yaml.Node, key string) string {
	if v := Value(mapping, key); v != nil && v.Kind == yaml.ScalarNode && v.Tag != "!!null" {
		return v.Value
	}
	return ""
}

// Entries are those of a list.
func Entries(mapping *yaml.Node, key string) []*yaml.Node {
	list := Value(mapping, key)
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	entries := make([]*yaml.Node, len(list.Content))
	for i, e := range list.Content {
		entries[i] = Resolve(e)
	}
	return entries
}

// Keys are those of a mapping, with those that come by merge keys.
func Keys(mapping *yaml.Node) []string {
	mapping = Resolve(mapping)
	if mapping == nil {
		return nil
	}
	var keys []string
	switch mapping.Kind {
	case yaml.SequenceNode: // of mappings that are merged
		for _, m := range mapping.Content {
			keys = append(keys, Keys(m)...)
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			if mapping.Content[i].Value == "<<" {
				keys = append(keys, Keys(mapping.Content[i+1])...)
			} else {
				keys = append(keys, mapping.Content[i].Value)
			}
		}
	}
	return keys
}
