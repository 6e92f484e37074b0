// Client and server by the package ws: "server PORT" or "client URL
// COMPRESSION...", each of which is plain or deflate. Its folder is found by
// NODE_PATH, authorities are those of NODE_EXTRA_CA_CERTS.
const assert = require('node:assert');
const { WebSocket, WebSocketServer } = require('ws');

// The messages of payload.go.
const sizes = [0, 64, 125, 126, 65535, 65536, 1 << 20];
const closeCode = 4001;
const text = (size) => Buffer.from(Array.from({ length: size }, (_, i) => 32 + (i * 7 + Math.floor(i / 95)) % 95));
const binary = (size) => Buffer.from(Array.from({ length: size }, (_, i) => (i * 7 + Math.floor(i / 256)) % 256));
const fragments = (b) => [b.subarray(0, b.length / 3), b.subarray(b.length / 3, b.length / 2), b.subarray(b.length / 2)];

function server(port) {
	new WebSocketServer({ host: '127.0.0.1', port, perMessageDeflate: true, maxPayload: 4 << 20 })
		.on('connection', (ws) => ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary })));
}

const once = (ws, event) => new Promise((resolve, reject) => {
	ws.once(event, (...args) => resolve(args));
	ws.once('error', reject);
	ws.once('unexpected-response', (_, response) => reject(new Error(`answered ${response.statusCode}`)));
});

async function echo(ws, data, isBinary) {
	for (const parts of [[data], fragments(data)]) {
		const pong = once(ws, 'pong');
		ws.ping('ping');
		assert.equal(String((await pong)[0]), 'ping');
		const message = once(ws, 'message');
		parts.forEach((part, i) => ws.send(part, { binary: isBinary, fin: i === parts.length - 1 }));
		const [got, gotBinary] = await message;
		assert(data.equals(got) && gotBinary === isBinary, `${data.length} bytes differ`);
	}
}

async function client(url, perMessageDeflate) {
	const ws = new WebSocket(url, { perMessageDeflate, maxPayload: 4 << 20 });
	ws.setMaxListeners(0);
	await once(ws, 'open');
	for (const size of sizes) {
		await echo(ws, text(size), false);
		await echo(ws, binary(size), true);
	}
	const closed = once(ws, 'close');
	ws.close(closeCode, 'bye');
	assert.equal((await closed)[0], closeCode);
}

async function all(url, compressions) {
	for (const compression of compressions) {
		await client(url, compression === 'deflate');
	}
}

if (process.argv[2] === 'server') {
	server(Number(process.argv[3]));
} else {
	setTimeout(() => { throw new Error('it takes too long'); }, 60000).unref();
	all(process.argv[3], process.argv.slice(4)).catch((error) => { console.error(error); process.exit(1); });
}
