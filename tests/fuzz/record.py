#!/usr/bin/env python3
"""Records what real clients and a real server say to each other, as inputs for the fuzz targets.

    record.py HOST:PORT FOLDER

listens on a free port, passes every connection on to the PostgreSQL server at HOST:PORT, and writes both directions to FOLDER:
`startup/` what a client says until it is let in, `frontend/` what it says from there on, `backend/` what the server says. Ends with a
signal. The bytes are written as they came, passwords' answers and all: record a throw-away server only. See README.md.
"""

import asyncio
import hashlib
import pathlib
import signal
import sys

# Longer than this a stream is cut, between two messages: small inputs are tried faster. A longer message is left out.
PIECE = 1000


def keep(folder, data):
    """Writes one input under a name made of its bytes, so that the same one is kept once."""
    if data:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


def messages(stream):
    """The whole messages of a stream with tags."""
    while len(stream) >= 5:
        length = 1 + int.from_bytes(stream[1:5], "big")
        if length < 5 or len(stream) < length:
            return
        yield stream[:length]
        stream = stream[length:]


def pieces(stream):
    """The messages of a stream, as many together as make a piece."""
    piece = b""
    for message in messages(stream):
        if len(piece) + len(message) > PIECE:
            yield piece
            piece = b""
        if len(message) <= PIECE:
            piece += message
    yield piece


def packets(stream):
    """How many bytes of a client's stream are packets without tags, and how many packets ask for encryption."""
    at, asked = 0, 0
    while len(stream) >= at + 8:
        length, code = (int.from_bytes(stream[at + i : at + i + 4], "big") for i in (0, 4))
        at += length
        if code not in (80877103, 80877104):
            break
        asked += 1
    return at, asked


def cut(folder, client, server):
    """Cuts one connection into inputs."""
    end, asked = packets(client)
    # Each request for encryption was answered with one byte, no.
    server = server[asked:]
    for message in messages(client[end:]):
        if message[:1] != b"p":
            break
        end += len(message)
    keep(folder / "startup", client[:end])
    for piece in pieces(client[end:]):
        keep(folder / "frontend", piece)
    for piece in pieces(server):
        keep(folder / "backend", piece)


async def copy(source, target, kept):
    while data := await source.read(65536):
        kept += data
        target.write(data)
        await target.drain()
    target.close()


async def serve(server, folder, reader, writer):
    client_said, server_said = bytearray(), bytearray()
    try:
        from_server, to_server = await asyncio.open_connection(*server)
        both = copy(reader, to_server, client_said), copy(from_server, writer, server_said)
        await asyncio.gather(*both, return_exceptions=True)
    finally:
        writer.close()
        cut(folder, bytes(client_said), bytes(server_said))


async def main(address, folder):
    host, port = address.rsplit(":", 1)
    server = (host, int(port))
    listener = await asyncio.start_server(
        lambda reader, writer: serve(server, pathlib.Path(folder), reader, writer), "127.0.0.1", 0
    )
    print(listener.sockets[0].getsockname()[1], flush=True)
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await stop.wait()
    listener.close()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    asyncio.run(main(sys.argv[1], sys.argv[2]))
