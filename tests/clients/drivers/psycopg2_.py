"""psycopg2, on the libpq that its binary package brings."""

import io
import threading

import psycopg2
from harness import DbApi, run


class Psycopg2(DbApi):
    name = "psycopg2"
    version = f"{psycopg2.__version__.split()[0]} (libpq {psycopg2.extensions.libpq_version() // 10000})"

    def connect(self, to):
        more = {"sslmode": to["sslmode"]} if to["sslmode"] else {}
        if to["ca_file"]:
            more["sslrootcert"] = to["ca_file"]
        self.connection = psycopg2.connect(
            host=to["host"], port=to["port"], user=to["user"], password=to["password"], dbname=to["database"], **more
        )
        self.connection.autocommit = True

    def copy_in(self, sql, text):
        with self.connection.cursor() as cursor:
            cursor.copy_expert(sql, io.StringIO(text))

    def copy_out(self, sql):
        out = io.StringIO()
        with self.connection.cursor() as cursor:
            cursor.copy_expert(sql, out)
        return out.getvalue()

    def cancel(self, sql, running):
        told = []
        waiting = threading.Thread(target=lambda: told.append(self.failure(sql)))
        waiting.start()
        running()
        self.connection.cancel()
        waiting.join()
        return told[0]

    def sqlstate(self, error):
        return getattr(error, "pgcode", None)


if __name__ == "__main__":
    run(Psycopg2())
