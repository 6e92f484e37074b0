"""The messages of payload.go."""
SIZES = [0, 64, 125, 126, 65535, 65536, 1 << 20]
CLOSE_CODE = 4001
LIMIT = 4 << 20
PATIENCE = 60  # seconds, for a client's whole work


def text(size):
    return bytes(32 + (i * 7 + i // 95) % 95 for i in range(size))


def binary(size):
    return bytes((i * 7 + i // 256) % 256 for i in range(size))


def fragments(b):
    return [b[:len(b) // 3], b[len(b) // 3:len(b) // 2], b[len(b) // 2:]]


def messages():
    for size in SIZES:
        yield text(size), False
        yield binary(size), True
