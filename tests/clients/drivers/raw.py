"""No driver: what a session is told, byte for byte, at the server itself and through a proxy.

CLIENTS_RAW names the address, the start-up parameters and a statement. Prints what came back as one JSON object.
"""

import hashlib
import json
import os
import socket
import ssl
import struct


def exactly(stream, length):
    data = b""
    while len(data) < length:
        part = stream.recv(length - len(data))
        if not part:
            raise EOFError(f"it closed after {data!r}")
        data += part
    return data


def message(stream):
    tag, length = struct.unpack("!ci", exactly(stream, 5))
    return tag, exactly(stream, length - 4)


def credentials(asked):
    """Database user and password, from AWS, as boto3 gets them with the environment's own key."""
    import boto3

    role = boto3.client("sts").assume_role(RoleArn=asked["role_arn"], RoleSessionName="raw")["Credentials"]
    session = boto3.Session(role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"])
    issued = session.client("redshift-serverless").get_credentials(workgroupName=asked["workgroup"], dbName="dev")
    return issued["dbUser"], issued["dbPassword"]


def encrypted(stream, asked):
    stream.sendall(struct.pack("!ii", 8, 80877103))
    assert exactly(stream, 1) == b"S"
    return ssl.create_default_context(cafile=asked["ca_file"]).wrap_socket(stream, server_hostname=asked["host_name"])


def main():
    asked = json.loads(os.environ["CLIENTS_RAW"])
    stream, user, password = socket.create_connection((asked["host"], asked["port"])), asked["user"], None
    if asked["ca_file"]:
        user, password = credentials(asked)
        stream = encrypted(stream, asked)
    pairs = [("user", user), ("database", "dev"), *asked["parameters"]]
    body = struct.pack("!i", 196608) + b"".join(f"{name}\0{value}\0".encode() for name, value in pairs) + b"\0"
    stream.sendall(struct.pack("!i", len(body) + 4) + body)
    told = {"settings": [], "descriptions": [], "rows": []}
    asked_already = False
    while True:
        tag, body = message(stream)
        if tag == b"R" and body[:4] == struct.pack("!i", 5):
            inner = hashlib.md5((password + user).encode()).hexdigest()
            answer = b"md5" + hashlib.md5(inner.encode() + body[4:]).hexdigest().encode() + b"\0"
            stream.sendall(b"p" + struct.pack("!i", len(answer) + 4) + answer)
        elif tag == b"S":
            told["settings"].append([text.decode() for text in body.split(b"\0")[:2]])
        elif tag == b"T":
            told["descriptions"].append(body.hex())
        elif tag == b"D":
            told["rows"].append(body.hex())
        elif tag == b"E":
            raise AssertionError(body)
        elif tag == b"Z" and not asked_already:
            asked_already = True
            sql = asked["sql"].encode() + b"\0"
            stream.sendall(b"Q" + struct.pack("!i", len(sql) + 4) + sql)
        elif tag == b"Z":
            break
    stream.sendall(b"X" + struct.pack("!i", 4))
    print(json.dumps(told))


main()
