package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"chancery/internal/service"
)

func migrateCommand() *cobra.Command {
	var config service.Config
	migrate := &cobra.Command{
		Use: "migrate", GroupID: "operator", Args: cobra.NoArgs,
		Short: "Bring the database's schema up to date",
		Long: `Bring the schema of the database up to date and end. The service does so by
itself when it starts; this is for those who run migrations apart, with a role
of the database that may change its schema.`,
		Example: "  chancery migrate --database postgres://owner@db.example.com/chancery",
		RunE: func(command *cobra.Command, _ []string) error {
			if err := configure(command, ""); err != nil {
				return usageError{err, hint(command)}
			}
			if err := service.Migrate(command.Context(), config); err != nil {
				return err
			}
			_, err := fmt.Fprintln(command.OutOrStdout(), "the schema is up to date")
			return err
		},
	}
	migrate.Flags().StringVar(&config.DataDir, "data-dir", defaultDataDir(), "data directory of the service (CHANCERY_DATA_DIR)")
	migrate.Flags().StringVar(&config.Database, "database", "", "as for serve (CHANCERY_DATABASE)")
	return migrate
}
