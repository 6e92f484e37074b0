package main

import (
	"go/ast"
	"regexp"
	"strings"
)

// rules are what the API server holds a value to, in words.
type rules []string

// marker is a comment that the generator of the CRDs reads.
var marker = regexp.MustCompile(`^\+kubebuilder:(?:validation:)?([A-Za-z]+)(?:[=:](.*))?$`)

var ruleMessage = regexp.MustCompile(`message="((?:[^"\\]|\\.)*)"`)

// readComment parts a comment into what it tells and what it marks.
func readComment(doc *ast.CommentGroup) (text string, found rules) {
	if doc == nil {
		return "", nil
	}
	var lines []string
	for _, comment := range doc.List {
		line := strings.TrimSpace(strings.TrimPrefix(comment.Text, "//"))
		if !strings.HasPrefix(line, "+") {
			lines = append(lines, line)
		} else if rule := ruleOf(line); rule != "" {
			found = append(found, rule)
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n")), found
}

// ruleOf is empty for a marker that bounds no value.
func ruleOf(line string) string {
	match := marker.FindStringSubmatch(line)
	if match == nil {
		return ""
	}
	value := strings.Trim(match[2], "`\"")
	switch match[1] {
	case "Enum":
		return "one of " + strings.ReplaceAll(value, ";", ", ")
	case "Minimum":
		return "≥ " + value
	case "Maximum":
		return "≤ " + value
	case "MinLength", "MinItems":
		return "at least " + value
	case "MaxLength", "MaxItems", "MaxProperties":
		return "at most " + value
	case "Pattern":
		return "matches `" + value + "`"
	case "XValidation":
		if message := ruleMessage.FindStringSubmatch(line); message != nil {
			return "refused: " + message[1]
		}
	}
	return ""
}
