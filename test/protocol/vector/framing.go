package vector

import "strings"

// framing is how bodies are delimited (RFC 9112, section 6).
func framing() []Vector {
	return []Vector{
		pass("no body", posted("", ""), post("/", "")),
		pass("length", posted("Content-Length: 3\r\n", "abc"), post("/", "abc")),
		pass("length of zero", posted("Content-Length: 0\r\n", ""), post("/", "")),
		pass("chunks", chunked("3\r\nabc\r\n0\r\n\r\n"), post("/", "abc")),
		pass("no chunks", chunked("0\r\n\r\n"), post("/", "")),
		pass("body of a GET", with("Content-Length: 2\r\n")+"hi", Request{"GET", "/", host, "hi"}),
		pass("body of a DELETE", "DELETE / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 2\r\n\r\nhi", Request{"DELETE", "/", host, "hi"}),
		pass("chunks of a GET", with(chunk)+"2\r\nhi\r\n0\r\n\r\n", Request{"GET", "/", host, "hi"}),
		pass("body that looks like a request", posted("Content-Length: 27\r\n", "GET /x HTTP/1.1\r\nHost: b\r\n\r\n"[:27]), post("/", "GET /x HTTP/1.1\r\nHost: b\r\n\r\n"[:27])),
		pass("body past a buffer", posted("Content-Length: 100000\r\n", strings.Repeat("x", 100000)), post("/", strings.Repeat("x", 100000))),
		pass("chunk past a buffer", chunked("186a0\r\n"+strings.Repeat("y", 100000)+"\r\n0\r\n\r\n"), post("/", strings.Repeat("y", 100000))),
		refuse("length and coding", posted("Content-Length: 5\r\n"+chunk, "0\r\n\r\n")),
		refuse("coding and length", posted(chunk+"Content-Length: 5\r\n", "0\r\n\r\n")),
		refuse("coding and a length of zero", posted(chunk+"Content-Length: 0\r\n", "0\r\n\r\n")),
		refuse("coding with HTTP/1.0", "POST / HTTP/1.0\r\nHost: a.example\r\n"+chunk+"\r\n0\r\n\r\n"),
		broken("body that ends early", posted("Content-Length: 5\r\n", "abc")),
		broken("body that never begins", posted("Content-Length: 5\r\n", "")),
		broken("chunk that ends early", chunked("5\r\nabc")),
		broken("no last chunk", chunked("3\r\nabc\r\n")),
		broken("last chunk without an empty line", chunked("3\r\nabc\r\n0\r\n")),
	}
}

// lengths are values of Content-Length, with a body of ten digits behind, so
// that a recipient that reads another number leaves a request of digits over.
func lengths() []Vector {
	const body = "0123456789"
	vectors := []Vector{
		pass("zeros in front", posted("Content-Length: 0010\r\n", body), post("/", body)),
		pass("spaces around", posted("Content-Length: \t 10 \t\r\n", body), post("/", body)),
		pass("no space", posted("Content-Length:10\r\n", body), post("/", body)),
		pass("another case", posted("cOnTeNt-LeNgTh: 10\r\n", body), post("/", body)),
		refuse("twice and equal", posted("Content-Length: 10\r\nContent-Length: 10\r\n", body)),
		refuse("twice and different", posted("Content-Length: 10\r\nContent-Length: 5\r\n", body)),
		refuse("twice in different case", posted("Content-Length: 10\r\ncontent-length: 0\r\n", body)),
	}
	for _, value := range []string{
		"", "+10", "-10", "-0", "0x0a", "0xa", "1e1", "10.0", "1_0", "10,10", "10, 10", "10,", ",10", "10 10", "10;", "10;q=1", "ten",
		"\"10\"", "'10'", "(10)", "10\x0b", "10\x0c", "\x0b10", "１０", "10\x00", "10 chunked", "chunked", "99999999999999999999", "18446744073709551626",
		"9223372036854775808", "340282366920938463463374607431768211466", "0b1010", "0o12", "012x", "10%20", "%31%30", "10\x7f", "10\xa0", "\xa010", "1\t0", "10/1", "10:0", "10=", "^10", "NaN", "Infinity",
	} {
		vectors = append(vectors, refuse(named("%q", value), posted("Content-Length: "+value+"\r\n", body)))
	}
	// A name that a backend might take for the real one: its request must have
	// no body, and what follows is a malformed request.
	for _, line := range []string{"Content_Length: 10", "CONTENT_LENGTH: 10", "content_length:10"} {
		v := pass(named("alias %q", line), posted(line+"\r\n", ""), post("/", ""))
		v.Gone = []string{"content_length"}
		vectors = append(vectors, v)
	}
	for _, line := range []string{
		"Content-Length : 10", "Content-Length\t: 10", " Content-Length: 10", "\tContent-Length: 10", "Content-Length\x00: 10", "Content-Length\x0b: 10",
		"\x0bContent-Length: 10", "Content Length: 10", "Content-Length", "Content-Length;: 10", "Content-Length\xa0: 10", "X: y\rContent-Length: 10", "X: y\nContent-Length: 10", "X: y\n Content-Length: 10", "X: y\r\n Content-Length: 10",
		"Content-Length:\r\n 10", "Content-Length:\n10", "Content-Length: 1\r\n 0",
	} {
		vectors = append(vectors, refuse(named("line %q", line), posted(line+"\r\n", body)))
	}
	return vectors
}

// codings are values of Transfer-Encoding. All that is not exactly "chunked" is
// refused: a proxy that decodes nothing else must not guess (RFC 9112, section
// 6.1).
func codings() []Vector {
	const end = "0\r\n\r\n"
	vectors := []Vector{
		pass("another case", posted("tRANSFER-eNCODING: cHUNKED\r\n", "1\r\na\r\n"+end), post("/", "a")),
		pass("spaces around", posted("Transfer-Encoding: \t chunked \t\r\n", "1\r\na\r\n"+end), post("/", "a")),
		pass("no space", posted("Transfer-Encoding:chunked\r\n", "1\r\na\r\n"+end), post("/", "a")),
		refuse("twice", posted(chunk+chunk, end)),
		refuse("and identity", posted(chunk+"Transfer-Encoding: identity\r\n", end)),
		refuse("after identity", posted("Transfer-Encoding: identity\r\n"+chunk, end)),
		refuse("and an empty one", posted(chunk+"Transfer-Encoding:\r\n", end)),
	}
	for _, value := range []string{
		"", "identity", "gzip", "deflate", "compress", "br", "x-chunked", "xchunked", "chunkedx", "chunked-x", "chunked, chunked", "chunked,", ",chunked", "gzip, chunked", "chunked, gzip", "identity, chunked", "chunked, identity",
		"chunked;q=1", "chunked; a=b", "\"chunked\"", "'chunked'", "chunked\x0b", "\x0bchunked", "\x0cchunked", "chunked\x00", "\x00chunked", "chunked\x7f", "chunked\xa0", "chunked chunked", "chunked\tx", "chunked\r", "chun\tked", "chunk", "Chunked/1", "chunked=1", "(chunked)", "c\u017funked", "chun\u212aed", "\xffchunked", "trailers", "*",
	} {
		vectors = append(vectors, refuse(named("%q", value), posted("Transfer-Encoding: "+value+"\r\n", end)))
	}
	for _, line := range []string{"Transfer_Encoding: chunked", "TRANSFER_ENCODING: chunked", "transfer_encoding:chunked"} {
		v := pass(named("alias %q", line), posted(line+"\r\n", ""), post("/", ""))
		v.Gone = []string{"transfer_encoding"}
		vectors = append(vectors, v)
	}
	for _, line := range []string{
		"Transfer-Encoding : chunked", "Transfer-Encoding\t: chunked", " Transfer-Encoding: chunked", "Transfer-Encoding\x00: chunked", "Transfer-Encoding\x0b: chunked", "Transfer Encoding: chunked", "Transfer-Encoding",
		"Transfer-Encoding:\r\n chunked", "Transfer-Encoding: x\r\n chunked", "X: y\r\n Transfer-Encoding: chunked", "X: y\rTransfer-Encoding: chunked", "X: y\nTransfer-Encoding: chunked", "X: y\r\rTransfer-Encoding: chunked", "Transfer-Encoding: chunked\n", "Transfer\xadEncoding: \x80\r\nTransfer-Encoding : chunked",
	} {
		vectors = append(vectors, refuse(named("line %q", line), posted(line+"\r\n", end)))
	}
	return vectors
}
