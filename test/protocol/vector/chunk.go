package vector

import "strings"

// chunks are bodies in chunks (RFC 9112, section 7.1). What is bad in the bytes
// that come with the head is refused before a backend is asked.
func chunks() []Vector {
	const end = "0\r\n\r\n"
	vectors := []Vector{
		pass("two", chunked("1\r\na\r\n2\r\nbc\r\n"+end), post("/", "abc")),
		pass("size in upper case", chunked("A\r\n0123456789\r\n"+end), post("/", "0123456789")),
		pass("size in lower case", chunked("a\r\n0123456789\r\n"+end), post("/", "0123456789")),
		pass("zeros in front", chunked("0001\r\na\r\n000\r\n\r\n"), post("/", "a")),
		pass("extension", chunked("1;x=y\r\na\r\n0;z\r\n\r\n"), post("/", "a")),
		pass("extension in quotes", chunked("1;x=\"y;\"\r\na\r\n"+end), post("/", "a")),
		pass("extension without a name", chunked("1;\r\na\r\n"+end), post("/", "a")),
		pass("data that looks like an end", chunked("7\r\n\r\n0\r\n\r\n\r\n"+end), post("/", "\r\n0\r\n\r\n")),
		pass("many of one byte", chunked(strings.Repeat("1\r\nz\r\n", 2000)+end), post("/", strings.Repeat("z", 2000))),
		refuse("extensions without end", chunked("1;"+strings.Repeat("x", 8000)+"\r\na\r\n"+end)),
		refuse("data that is longer", chunked("1\r\nab\r\n"+end)),
		refuse("data that is shorter", chunked("5\r\nabc\r\n"+end)),
		refuse("data with a bare LF behind", chunked("1\r\na\n"+end)),
		refuse("data with a bare CR behind", chunked("1\r\na\r0\r\n\r\n")),
		refuse("data with nothing behind", chunked("1\r\na"+end)),
		refuse("size with a bare LF", chunked("1\na\r\n"+end)),
		refuse("size with a bare CR", chunked("1\ra\r\n"+end)),
		refuse("size with two CR", chunked("1\r\r\na\r\n"+end)),
		refuse("last with a bare LF", chunked("1\r\na\r\n0\n\n")),
		refuse("last with a bare LF at its end", chunked("1\r\na\r\n0\r\n\n")),
		refuse("LF within an extension", chunked("1;a\nb\r\na\r\n"+end)),
		refuse("CR within an extension", chunked("1;a\rb\r\na\r\n"+end)),
		refuse("NUL within an extension", chunked("1;a\x00b\r\na\r\n"+end)),
		refuse("empty line in front", chunked("\r\n1\r\na\r\n"+end)),
	}
	for _, size := range []string{
		"", " 1", "\t1", "1 ", "1\t", "1 ;x", "+1", "-1", "-0", "0x1", "0X1", "x1", "1x", "1_", "_1", "1,0", "1.0", "g", "1g", "\"1\"", "１", "1\x00", "\x001", "1\x0b", "1\xa0",
		"ffffffffffffffff", "10000000000000001", "8000000000000000", "1000000000000000000000001", "fffffffffffffff1", "-fffffffffffffff", "1 1", "1:1", "1=1", "%31",
	} {
		vectors = append(vectors, refuse(named("size %q", size), chunked(size+"\r\na\r\n"+end)))
	}
	for c := range 256 {
		b := byte(c)
		switch {
		case b == ';', b == '\r', '0' <= b && b <= '9', 'a' <= b|0x20 && b|0x20 <= 'f':
			continue
		}
		vectors = append(vectors, refuse(named("byte %#02x behind a size", b), chunked("1"+string([]byte{b})+"\r\na\r\n"+end)))
	}
	return vectors
}

// trailers are what follows the last chunk (RFC 9112, section 7.1.2). Only what
// can deceive nobody who merges it into the head travels on.
func trailers() []Vector {
	trailer := func(lines string) string {
		return posted("TE: trailers\r\nTrailer: X-Sum\r\n"+chunk, "1\r\na\r\n0\r\n"+lines+"\r\n")
	}
	one := pass("one", trailer("X-Sum: 1\r\n"), post("/", "a"))
	one.Kept = []string{"X-Sum: 1"}
	vectors := []Vector{
		one,
		pass("two", trailer("X-Sum: 1\r\nX-Other: 2\r\n"), post("/", "a")),
		pass("that nobody announced", chunked("1\r\na\r\n0\r\nX: y\r\n\r\n"), post("/", "a")),
		refuse("without a colon", trailer("X-Sum\r\n")),
		refuse("without a name", trailer(": 1\r\n")),
		refuse("space before the colon", trailer("X-Sum : 1\r\n")),
		refuse("folded line", trailer("X-Sum: 1\r\n 2\r\n")),
		refuse("bare LF", trailer("X-Sum: 1\n")),
		refuse("bare CR", trailer("X-Sum: 1\rX: y\r\n")),
		refuse("NUL", trailer("X-Sum: \x00\r\n")),
		refuse("space in front", trailer(" X-Sum: 1\r\n")),
		refuse("without end", trailer("X-Sum: "+strings.Repeat("x", 20000)+"\r\n")),
	}
	for _, name := range []string{
		"Content-Length", "Transfer-Encoding", "Host", "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade", "Expect", "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "Content-Type", "Content-Encoding", "Content-Range",
		"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-Ip", "X-Request-Id", "Range", "Cache-Control", "Max-Forwards", "content_length", "transfer_encoding", "X_Forwarded_For",
	} {
		v := pass("field "+name, trailer(name+": 1\r\nX-Sum: 2\r\n"), post("/", "a"))
		v.Gone = []string{"trailer " + strings.ToLower(name)}
		v.Kept = []string{"X-Sum: 2"}
		vectors = append(vectors, v)
	}
	return vectors
}
