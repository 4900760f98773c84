"""pg8000 in pure Python, through its native interface."""

import importlib.metadata
import io
import ssl

import pg8000.native
from harness import Client, run


class Pg8000(Client):
    name = "pg8000"
    version = importlib.metadata.version("pg8000")
    mark = ":value"

    def connect(self, to):
        address = {"host": to["host"], "port": to["port"]}
        if to["host"].startswith("/"):
            address = {"unix_sock": f"{to['host']}/.s.PGSQL.{to['port']}"}
        encryption = {}
        if to["ca_file"]:
            encryption["ssl_context"] = ssl.create_default_context(cafile=to["ca_file"])
        elif to["sslmode"]:
            encryption["ssl_context"] = True
        self.connection = pg8000.native.Connection(
            to["user"], password=to["password"], database=to["database"], **address, **encryption
        )

    def close(self):
        self.connection.close()

    def simple(self, sql):
        return self.connection.run(sql) or []

    def extended(self, sql, value):
        return self.connection.run(sql, value=value)

    def prepared(self, sql, values):
        statement = self.connection.prepare(sql)
        return [statement.run(value=value) for value in values]

    def copy_in(self, sql, text):
        self.connection.run(sql, stream=io.StringIO(text))

    def copy_out(self, sql):
        out = io.StringIO()
        self.connection.run(sql, stream=out)
        return out.getvalue()

    def cancel(self, sql, running):
        self.connection.cancel()

    def sqlstate(self, error):
        return error.args[0].get("C") if isinstance(error, pg8000.exceptions.DatabaseError) else None


run(Pg8000())
