package main

import (
	"fmt"
	"strings"

	"chancery/internal/commandline"
)

// commands is the page of the command line.
func commands(root string) (string, error) {
	program, err := commandline.Read(root)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# The command line\n\n" +
		"`chancery COMMAND --help` says the same. Every flag may be set by an environment variable: `--data-dir` by\n" +
		"`CHANCERY_DATA_DIR`. Commands over the API take the access key from `ALIBABA_CLOUD_ACCESS_KEY_ID` and\n" +
		"`ALIBABA_CLOUD_ACCESS_KEY_SECRET`, and from `ALIBABA_CLOUD_SECURITY_TOKEN` with a temporary one.\n\n" +
		"**Output.** `--output table` (or `text`) is for people, `json` and `yaml` for programs: the same names in both. On a terminal\n" +
		"the tables of `order list` and `certificate list` shorten names to its width. No colours are used.\n\n" +
		"**Waiting.** `apply`, `download --wait` and `order watch` show one line that is written anew on a terminal, and a line for each\n" +
		"change where their output goes elsewhere.\n\n" +
		"**Status.** 0: done. 1: failed, or an order that came to no certificate. 2: the command line is wrong. Where a command means\n" +
		"something else by it, its text says so.\n\n" +
		"**Completion** for bash, zsh, fish and PowerShell: `chancery completion --help`. **Manual pages**: `make man`.\n")
	group := ""
	for _, c := range byGroup(program) {
		if c.Group != group {
			group = c.Group
			fmt.Fprintf(&b, "\n**%s**\n\n| command | |\n| --- | --- |\n", group)
		}
		row(&b, c)
	}
	for _, c := range byGroup(program) {
		commandPage(&b, c, 2)
	}
	return b.String(), nil
}

// byGroup puts the commands of each group together.
func byGroup(program commandline.Command) (sorted []commandline.Command) {
	for _, group := range program.Groups {
		for _, c := range program.Commands {
			if c.Group == group {
				sorted = append(sorted, c)
			}
		}
	}
	return sorted
}

func row(b *strings.Builder, c commandline.Command) {
	if len(c.Commands) == 0 {
		fmt.Fprintf(b, "| [%s](#%s) | %s |\n", c.Path, anchor(c), cell(c.Short))
	}
	for _, sub := range c.Commands {
		row(b, sub)
	}
}

func anchor(c commandline.Command) string { return strings.ReplaceAll(c.Path, " ", "-") }

func commandPage(b *strings.Builder, c commandline.Command, level int) {
	fmt.Fprintf(b, "\n%s %s\n\n%s.\n", strings.Repeat("#", level), c.Path, strings.TrimSuffix(c.Short, "."))
	if len(c.Commands) == 0 {
		fmt.Fprintf(b, "\n```\n%s\n```\n", c.Usage)
	}
	if c.Long != "" {
		fmt.Fprintf(b, "\n```text\n%s\n```\n", strings.TrimSpace(c.Long))
	}
	if len(c.Flags) > 0 {
		b.WriteString("\n| flag | default | |\n| --- | --- | --- |\n")
	}
	for _, f := range c.Flags {
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if f.Value != "" {
			name += " " + f.Value
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, cell(f.Default), cell(f.Usage))
	}
	if c.Example != "" {
		fmt.Fprintf(b, "\n```console\n%s\n```\n", examples(c.Example))
	}
	for _, sub := range c.Commands {
		commandPage(b, sub, level+1)
	}
}

func examples(text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = "$ " + strings.TrimSpace(line)
	}
	return strings.Join(lines, "\n")
}
