"""Answers with how Python's http.server understood the request."""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body go out as one segment: apart, the second waits for a delayed
    # acknowledgement of the first.
    wbufsize = -1

    def chunks(self):
        """Reads a chunked body, which http.server leaves to its users."""
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def answer(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self.chunks()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        text = json.dumps({
            "method": self.command, "target": self.path,
            "host": self.headers.get("Host", ""), "body": body.hex(),
        }).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo).serve_forever()
