"""Client and server by the library websockets: "server PORT" or "client URL COMPRESSION...", each
of which is plain or deflate. Authorities are those of SSL_CERT_FILE."""
import asyncio
import sys

import websockets

from payload import CLOSE_CODE, LIMIT, PATIENCE, fragments, messages


async def echo(ws, _path=None):
    try:
        async for message in ws:
            await ws.send(message)
    except websockets.ConnectionClosedError:
        pass  # any code but 1000 and 1001 is an error to the library


async def server(port):
    async with websockets.serve(echo, "127.0.0.1", port, max_size=LIMIT):
        await asyncio.Future()


async def client(url, compression):
    async with websockets.connect(url, max_size=LIMIT, compression=compression) as ws:
        for data, binary in messages():
            message = data if binary else data.decode()
            for sent in (message, fragments(message)):
                await (await ws.ping())
                await ws.send(sent)
                got = await ws.recv()
                assert got == message, f"got {len(got)} of {len(message)} bytes"
        await ws.close(CLOSE_CODE, "bye")
        assert ws.close_code == CLOSE_CODE, f"closed by {ws.close_code}"


async def all(url, compressions):
    for compression in compressions:
        await client(url, None if compression == "plain" else compression)


if sys.argv[1] == "server":
    asyncio.run(server(int(sys.argv[2])))
else:
    asyncio.run(asyncio.wait_for(all(sys.argv[2], sys.argv[3:]), PATIENCE))
