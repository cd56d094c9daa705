package daemon_test

import (
	"context"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	adminv1 "github.com/config-service/config-service/gen/go/configservice/admin/v1"
	configv1 "github.com/config-service/config-service/gen/go/configservice/v1"
	"github.com/config-service/config-service/server/internal/fault"
	"github.com/config-service/config-service/server/servertest"
)

// Only the role control has the administration; in the others its methods do not exist,
// whoever calls. Callers can ask about themselves everywhere.
func TestRolesServeTheirServices(t *testing.T) {
	t.Parallel()
	for role, administers := range map[string]bool{"sidecar": false, "shared": false, "control": true} {
		settings := map[string]string{"CONFIG_ROLE": role}
		if role == "sidecar" { // which is pinned
			settings["CONFIG_TOKENS_FILE"], settings["CONFIG_POLICY_FILE"] = "", ""
		}
		s := servertest.StartControl(t, servertest.Options{Settings: settings})
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+servertest.AdminToken)
		_, err := adminv1.NewConfigAdminServiceClient(s.Conn(t)).ListServices(ctx, &adminv1.ListServicesRequest{})
		st := status.Convert(err)
		if missing := st.Code() == codes.Unimplemented && fault.ReasonOf(st) == "NO_SUCH_METHOD"; missing == administers {
			t.Errorf("%s: ListServices is answered %v", role, st)
		}
		_, err = configv1.NewAccessServiceClient(s.Conn(t)).CanI(ctx, &configv1.CanIRequest{})
		if st := status.Convert(err); st.Code() != codes.InvalidArgument {
			t.Errorf("%s: CanI is answered %v", role, st)
		}
	}
}
