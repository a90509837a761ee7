package checks

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

func project(t *testing.T, file string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join("../compose", file)}, cli.WithEnv([]string{"CHANCERY_VERSION=1.2.3"}))
	if err != nil {
		t.Fatal(err)
	}
	p, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCompose(t *testing.T) {
	variables := slices.Collect(maps.Values(knownSettings(t)))
	for file, nodes := range map[string]int{"sqlite.yaml": 1, "postgresql.yaml": 3} {
		t.Run(file, func(t *testing.T) {
			p := project(t, file)
			found := 0
			for name, service := range p.Services {
				if !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
					t.Errorf("%s may gain privileges", name)
				}
				for _, port := range service.Ports {
					if port.HostIP != "127.0.0.1" {
						t.Errorf("%s publishes port %s to the world", name, port.Published)
					}
				}
				for variable := range service.Environment {
					if strings.HasPrefix(variable, "CHANCERY_") && !slices.Contains(variables, variable) {
						t.Errorf("%s: there is no setting %s", name, variable)
					}
				}
				if service.Image != "chancery" {
					continue
				}
				found++
				if !service.ReadOnly || !slices.Contains(service.CapDrop, "ALL") {
					t.Errorf("%s is not hardened", name)
				}
				if dockerfile := filepath.Join(service.Build.Context, service.Build.Dockerfile); !strings.HasSuffix(dockerfile, "/packaging/docker/Dockerfile") {
					t.Errorf("%s is built from %s", name, dockerfile)
				}
			}
			if found != nodes {
				t.Errorf("%d nodes, want %d", found, nodes)
			}
		})
	}
}
