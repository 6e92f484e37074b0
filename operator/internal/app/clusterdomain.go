package app

import (
	"os"
	"strings"
)

// resolvConf is what the kubelet writes for pods that use the cluster's DNS.
const resolvConf = "/etc/resolv.conf"

// readClusterDomain returns the domain of the cluster's DNS, or "" outside of one.
func readClusterDomain(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return searchedDomain(string(text))
}

// searchedDomain returns the domain of the search list's entry svc.<domain>. The
// last list of a file applies (resolv.conf(5)).
func searchedDomain(text string) string {
	domain := ""
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "search" {
			continue
		}
		domain = ""
		for _, entry := range fields[1:] {
			if rest, found := strings.CutPrefix(canonical(entry), "svc."); found && domain == "" {
				domain = rest
			}
		}
	}
	return domain
}

func canonical(domain string) string { return strings.ToLower(strings.TrimSuffix(domain, ".")) }
