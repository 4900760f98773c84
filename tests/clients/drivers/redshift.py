"""redshift_connector, Amazon's own driver, whose every statement is a named prepared one."""

import importlib.metadata
import io
import os

import redshift_connector
from harness import DbApi, run


def trust(to):
    """The driver has no setting for an authority of one's own: Python's own variable names one beside its list."""
    os.environ.pop("SSL_CERT_FILE", None)
    if to["sslmode"]:
        os.environ["SSL_CERT_FILE"] = to["ca_file"] or to["authority"]


class Redshift(DbApi):
    name = "redshift_connector"
    version = importlib.metadata.version("redshift_connector")

    def connect(self, to):
        trust(to)
        # It always verifies who signed.
        mode = {"require": "verify-ca"}.get(to["sslmode"], to["sslmode"])
        unix = f"{to['host']}/.s.PGSQL.{to['port']}" if to["host"].startswith("/") else None
        self.connection = redshift_connector.connect(
            host=None if unix else to["host"],
            unix_sock=unix,
            port=to["port"],
            user=to["user"],
            password=to["password"] or "",
            database=to["database"],
            ssl=bool(to["sslmode"]),
            sslmode=mode,
        )
        self.connection.autocommit = True

    def copy_in(self, sql, text):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, stream=io.BytesIO(text.encode()))

    def copy_out(self, sql):
        out = io.BytesIO()
        with self.connection.cursor() as cursor:
            cursor.execute(sql, stream=out)
        return out.getvalue().decode()

    def cancel(self, sql, running):
        self.connection.cancel()

    def sqlstate(self, error):
        words = error.args[0] if error.args else None
        return words.get("C") if isinstance(words, dict) else None


if __name__ == "__main__":
    run(Redshift())
