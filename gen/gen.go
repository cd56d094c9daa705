// Package gen holds what is generated from proto/: `make generate`. Only this file is
// written by hand.
package gen

import _ "embed"

// OpenAPI is the OpenAPI (Swagger 2.0) document of the REST API.
//
//go:embed openapi/config-service.swagger.json
var OpenAPI []byte
