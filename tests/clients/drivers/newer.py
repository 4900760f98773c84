"""libpq 18 that asks for the newest protocol. Prints what was agreed on as one JSON object."""

import json
import os

import psycopg

to = json.loads(os.environ["CLIENTS_RAW"])
address = {"host": to["host"], "port": to["port"], "user": to["user"], "dbname": "dev", "autocommit": True}
with psycopg.connect(**address, max_protocol_version="latest") as connection:
    told = {"libpq": psycopg.pq.version(), "agreed": connection.pgconn.full_protocol_version}
    told["answer"] = connection.execute("select 40 + %s::int4", [2]).fetchone()[0]
try:
    psycopg.connect(**address, max_protocol_version="latest", min_protocol_version="3.2").close()
    told["insisting"] = "connected"
except psycopg.OperationalError as error:
    told["insisting"] = str(error)
print(json.dumps(told))
