"""Client and server by the library autobahn: "server PORT" or "client URL COMPRESSION...", each of
which is plain or deflate. Authorities are those of SSL_CERT_FILE."""
import asyncio
import ssl
import sys

from autobahn.asyncio.websocket import (WebSocketClientFactory, WebSocketClientProtocol,
                                        WebSocketServerFactory, WebSocketServerProtocol)
from autobahn.websocket.compress import (PerMessageDeflateOffer, PerMessageDeflateOfferAccept,
                                         PerMessageDeflateResponse, PerMessageDeflateResponseAccept)

from payload import CLOSE_CODE, LIMIT, PATIENCE, fragments, messages


class Echo(WebSocketServerProtocol):
    def onMessage(self, payload, isBinary):
        self.sendMessage(payload, isBinary)


class Client(WebSocketClientProtocol):
    """Waits for what it is sent by queues."""

    def onOpen(self):
        self.got, self.pongs = asyncio.Queue(), asyncio.Queue()
        self.task = asyncio.ensure_future(self.talk())
        self.task.add_done_callback(self.talked)

    def onMessage(self, payload, isBinary):
        self.got.put_nowait((payload, isBinary))

    def onPong(self, payload):
        self.pongs.put_nowait(payload)

    async def talk(self):
        for data, binary in messages():
            for parts in ([data], fragments(data)):
                self.sendPing(b"ping")
                assert await self.pongs.get() == b"ping"
                if len(parts) == 1:
                    self.sendMessage(data, binary)
                else:
                    self.beginMessage(binary)
                    for part in parts:
                        self.sendMessageFrame(part)
                    self.endMessage()
                assert await self.got.get() == (data, binary), f"{len(data)} bytes differ"
        self.sendClose(CLOSE_CODE, "bye")

    def talked(self, task):
        if task.exception() is not None and not self.factory.closed.done():
            self.factory.closed.set_exception(task.exception())

    def onClose(self, wasClean, code, reason):
        if not self.factory.closed.done():
            self.factory.closed.set_result((wasClean, code))


async def server(port):
    factory = WebSocketServerFactory()
    factory.protocol = Echo
    factory.setProtocolOptions(
        maxMessagePayloadSize=LIMIT, echoCloseCodeReason=True, closeHandshakeTimeout=PATIENCE, openHandshakeTimeout=PATIENCE,
        perMessageCompressionAccept=lambda offers: next(
            (PerMessageDeflateOfferAccept(o, request_no_context_takeover=o.accept_no_context_takeover)
             for o in offers if isinstance(o, PerMessageDeflateOffer)), None))
    listening = await asyncio.get_running_loop().create_server(factory, "127.0.0.1", port)
    await listening.serve_forever()


async def client(url, compress):
    loop = asyncio.get_running_loop()
    factory = WebSocketClientFactory(url)
    factory.protocol = Client
    # Its own patience is a second, which a busy machine exceeds: what ends too late is for the caller to say.
    factory.setProtocolOptions(openHandshakeTimeout=PATIENCE, closeHandshakeTimeout=PATIENCE, serverConnectionDropTimeout=PATIENCE)
    factory.closed = loop.create_future()
    if compress:
        factory.setProtocolOptions(
            perMessageCompressionOffers=[PerMessageDeflateOffer()],
            perMessageCompressionAccept=lambda r: PerMessageDeflateResponseAccept(r) if isinstance(r, PerMessageDeflateResponse) else None)
    await loop.create_connection(factory, factory.host, factory.port, ssl=ssl.create_default_context() if factory.isSecure else None)
    closed = await factory.closed
    assert closed == (True, CLOSE_CODE), f"closed by {closed}"


async def all(url, compressions):
    for compression in compressions:
        await client(url, compression == "deflate")


if sys.argv[1] == "server":
    asyncio.run(server(int(sys.argv[2])))
else:
    asyncio.run(asyncio.wait_for(all(sys.argv[2], sys.argv[3:]), PATIENCE))
