# What the failed tests in the output of go test -v have said: the first line of each
# message, as dumps of a cluster's state go on for pages, and what stops a whole run.

BEGIN { test = "" }

/^=== (RUN|CONT|NAME) / { test = $3; next }

/^ +[A-Za-z0-9_]+\.go:[0-9]+: / { said[test] = said[test] "    " substr($0, match($0, /[^ ]/), 300) "\n"; next }

/^ *--- FAIL: / { order[++failed] = $3; verdict[$3] = substr($0, match($0, /---/)); next }

/^panic: |^fatal error: |^FAIL[ \t]|^[^ ]+\.go:[0-9]+:[0-9]+: / { stopped[++stops] = substr($0, 1, 300) }

END {
	for (i = 1; i <= failed; i++) printf "%s\n%s", verdict[order[i]], said[order[i]]
	for (i = 1; i <= stops; i++) print stopped[i]
}
