package h2

// staticTable is the static table of HPACK (RFC 7541, appendix A); the entry at
// zero is none.
var staticTable = [...]field{
	{},
	{[]byte(":authority"), []byte("")},
	{[]byte(":method"), []byte("GET")},
	{[]byte(":method"), []byte("POST")},
	{[]byte(":path"), []byte("/")},
	{[]byte(":path"), []byte("/index.html")},
	{[]byte(":scheme"), []byte("http")},
	{[]byte(":scheme"), []byte("https")},
	{[]byte(":status"), []byte("200")},
	{[]byte(":status"), []byte("204")},
	{[]byte(":status"), []byte("206")},
	{[]byte(":status"), []byte("304")},
	{[]byte(":status"), []byte("400")},
	{[]byte(":status"), []byte("404")},
	{[]byte(":status"), []byte("500")},
	{[]byte("accept-charset"), []byte("")},
	{[]byte("accept-encoding"), []byte("gzip, deflate")},
	{[]byte("accept-language"), []byte("")},
	{[]byte("accept-ranges"), []byte("")},
	{[]byte("accept"), []byte("")},
	{[]byte("access-control-allow-origin"), []byte("")},
	{[]byte("age"), []byte("")},
	{[]byte("allow"), []byte("")},
	{[]byte("authorization"), []byte("")},
	{[]byte("cache-control"), []byte("")},
	{[]byte("content-disposition"), []byte("")},
	{[]byte("content-encoding"), []byte("")},
	{[]byte("content-language"), []byte("")},
	{[]byte("content-length"), []byte("")},
	{[]byte("content-location"), []byte("")},
	{[]byte("content-range"), []byte("")},
	{[]byte("content-type"), []byte("")},
	{[]byte("cookie"), []byte("")},
	{[]byte("date"), []byte("")},
	{[]byte("etag"), []byte("")},
	{[]byte("expect"), []byte("")},
	{[]byte("expires"), []byte("")},
	{[]byte("from"), []byte("")},
	{[]byte("host"), []byte("")},
	{[]byte("if-match"), []byte("")},
	{[]byte("if-modified-since"), []byte("")},
	{[]byte("if-none-match"), []byte("")},
	{[]byte("if-range"), []byte("")},
	{[]byte("if-unmodified-since"), []byte("")},
	{[]byte("last-modified"), []byte("")},
	{[]byte("link"), []byte("")},
	{[]byte("location"), []byte("")},
	{[]byte("max-forwards"), []byte("")},
	{[]byte("proxy-authenticate"), []byte("")},
	{[]byte("proxy-authorization"), []byte("")},
	{[]byte("range"), []byte("")},
	{[]byte("referer"), []byte("")},
	{[]byte("refresh"), []byte("")},
	{[]byte("retry-after"), []byte("")},
	{[]byte("server"), []byte("")},
	{[]byte("set-cookie"), []byte("")},
	{[]byte("strict-transport-security"), []byte("")},
	{[]byte("transfer-encoding"), []byte("")},
	{[]byte("user-agent"), []byte("")},
	{[]byte("vary"), []byte("")},
	{[]byte("via"), []byte("")},
	{[]byte("www-authenticate"), []byte("")},
}

// staticNames holds, for each length of a name, the first entries of the static
// table with names of that length, but for pseudo-header fields.
var staticNames = indexNames()

func indexNames() (byLength [32][]uint8) {
	for i := range staticTable {
		name := staticTable[i].name
		if i == 0 || name[0] == ':' || string(name) == string(staticTable[i-1].name) {
			continue
		}
		byLength[len(name)] = append(byLength[len(name)], uint8(i))
	}
	return byLength
}
