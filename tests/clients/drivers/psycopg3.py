"""psycopg 3, on the libpq that its binary package brings: cancel() and, as a client of its own, cancel_safe()."""

import threading

import psycopg
from harness import Client, run


class Psycopg(Client):
    name = "psycopg 3"
    version = f"{psycopg.__version__} (libpq {psycopg.pq.version_pretty(psycopg.pq.version())})"

    def connect(self, to):
        more = {"sslmode": to["sslmode"]} if to["sslmode"] else {}
        if to["ca_file"]:
            more["sslrootcert"] = to["ca_file"]
        self.connection = psycopg.connect(
            host=to["host"],
            port=to["port"],
            user=to["user"],
            password=to["password"],
            dbname=to["database"],
            autocommit=True,
            **more,
        )

    def close(self):
        self.connection.close()

    def simple(self, sql):
        # A client-side cursor merges parameters itself and sends a simple query.
        with psycopg.ClientCursor(self.connection) as cursor:
            return cursor.execute(sql).fetchall()

    def ask(self, sql):
        return self.connection.execute(sql).fetchall()

    def tell(self, sql):
        self.connection.execute(sql)

    def extended(self, sql, value):
        return self.connection.execute(sql, [value]).fetchall()

    def prepared(self, sql, values):
        return [self.connection.execute(sql, [value], prepare=True).fetchall() for value in values]

    def copy_in(self, sql, text):
        with self.connection.cursor() as cursor, cursor.copy(sql) as copy:
            copy.write(text)

    def copy_out(self, sql):
        with self.connection.cursor() as cursor, cursor.copy(sql) as copy:
            return b"".join(bytes(part) for part in copy).decode()

    def cancel(self, sql, running):
        told = []
        waiting = threading.Thread(target=lambda: told.append(self.failure(sql)))
        waiting.start()
        running()
        self.stop()
        waiting.join()
        return told[0]

    def stop(self):
        self.connection.cancel()


class Safe(Psycopg):
    name = "psycopg 3, cancel_safe()"

    def stop(self):
        self.connection.cancel_safe(timeout=30)


run(Psycopg(), Safe())
