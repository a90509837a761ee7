package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"chancery/admin"
)

// defaultDataDir is the user's data directory for programs.
func defaultDataDir() string {
	base := os.Getenv("XDG_DATA_HOME")
	if base == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "chancery-data"
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "chancery")
}

// configure sets every flag that the command line leaves open: from the
// environment, else from the configuration file, else its default stays. The
// environment variable of --data-dir is CHANCERY_DATA_DIR; lists are separated
// by commas there.
func configure(command *cobra.Command, file string) error {
	settings, err := readSettings(file)
	if err != nil {
		return err
	}
	var errs []error
	command.Flags().VisitAll(func(flag *pflag.Flag) {
		fromFile, inFile := settings[flag.Name]
		delete(settings, flag.Name)
		if flag.Changed || flag.Name == "help" || flag.Name == "config" {
			return
		}
		variable := environmentName(flag.Name)
		if text, set := os.LookupEnv(variable); set && text != "" {
			from(flag, "environment")
			if err := setFlag(flag, splitList(flag, text)); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", variable, err))
			}
		} else if inFile {
			from(flag, "file")
			if err := setFlag(flag, fromFile); err != nil {
				errs = append(errs, fmt.Errorf("%s: %s: %w", file, flag.Name, err))
			}
		}
	})
	for name := range settings {
		errs = append(errs, fmt.Errorf("%s: there is no setting %q", file, name))
	}
	return errors.Join(errs...)
}

// sourceOf is the annotation of a flag that configure has set.
const sourceOf = "chancery_source"

func from(flag *pflag.Flag, source string) {
	if flag.Annotations == nil {
		flag.Annotations = map[string][]string{}
	}
	flag.Annotations[sourceOf] = []string{source}
}

// settingsOf tells the settings that flags hold after configure, for the operator.
func settingsOf(flags *pflag.FlagSet) (list []admin.Setting) {
	flags.VisitAll(func(flag *pflag.Flag) {
		if flag.Name == "help" {
			return
		}
		setting := admin.Setting{Name: flag.Name, Value: flag.Value.String(), Default: flag.DefValue, Source: "default", Help: flag.Usage}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			setting.Value, setting.Default = strings.Join(list.GetSlice(), ", "), strings.Trim(flag.DefValue, "[]")
		}
		if flag.Changed {
			setting.Source = "flag"
		}
		if source := flag.Annotations[sourceOf]; len(source) > 0 {
			setting.Source = source[0]
		}
		list = append(list, setting)
	})
	return list
}

func environmentName(flag string) string {
	return "CHANCERY_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func splitList(flag *pflag.Flag, text string) []string {
	if _, list := flag.Value.(pflag.SliceValue); list {
		return strings.Split(text, ",")
	}
	return []string{text}
}

func setFlag(flag *pflag.Flag, values []string) error {
	for _, value := range values {
		if err := flag.Value.Set(strings.TrimSpace(value)); err != nil {
			return wrongValue(flag, value)
		}
	}
	flag.Changed = true
	return nil
}

// wrongValue tells a person what a flag takes.
func wrongValue(flag *pflag.Flag, value string) error {
	takes := map[string]string{
		"int": "a whole number", "int64": "a whole number", "bool": "true or false",
		"duration": "a length of time such as 90s, 15m or 24h",
	}
	kind := flag.Value.Type()
	return fmt.Errorf("%q is not %s", value, cmp.Or(takes[kind], kind))
}

// readSettings reads a YAML map from flag names to values or lists of values.
func readSettings(file string) (map[string][]string, error) {
	settings := map[string][]string{}
	if file == "" {
		return settings, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	var raw map[string]any
	if err := yaml.Unmarshal(text, &raw); err != nil {
		if errors.As(err, new(*yaml.TypeError)) {
			err = errors.New("it must hold settings, one a line, such as `listen: 127.0.0.1:8280`")
		}
		return nil, fmt.Errorf("--config %s: %w", file, err)
	}
	for name, value := range raw {
		switch v := value.(type) {
		case []any:
			for _, item := range v {
				settings[name] = append(settings[name], fmt.Sprint(item))
			}
		case map[string]any, nil:
			return nil, fmt.Errorf("--config %s: %s is not a value or a list of values", file, name)
		default:
			settings[name] = []string{fmt.Sprint(v)}
		}
	}
	return settings, nil
}
