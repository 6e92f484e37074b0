// Answers with how node:http understood the request.
const http = require('node:http');

http.createServer((request, response) => {
	const chunks = [];
	request.on('data', (chunk) => chunks.push(chunk));
	request.on('end', () => {
		const text = JSON.stringify({
			method: request.method,
			target: request.url,
			host: request.headers.host ?? '',
			body: Buffer.concat(chunks).toString('hex'),
		});
		response.setHeader('Content-Length', Buffer.byteLength(text));
		response.end(text);
	});
}).listen(Number(process.argv[2]), '127.0.0.1');
