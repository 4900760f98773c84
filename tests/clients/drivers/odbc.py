"""Debian's ODBC driver for PostgreSQL, through pyodbc."""

import glob
import multiprocessing
import subprocess
import threading

import pyodbc
from harness import Client, NotSpoken, run

#: How long a COPY may take until it counts as one that never comes back, in seconds.
LIMIT = 3

DRIVER = glob.glob("/usr/lib/*/odbc/psqlodbcw.so")[0]


def debian(package):
    """The version of a package of Debian's."""
    query = ["dpkg-query", "--show", "--showformat=${source:Upstream-Version}", package]
    return subprocess.run(query, capture_output=True, text=True, check=True).stdout


class Odbc(Client):
    name = "ODBC"
    mark = "?"

    # Whether a COPY has come back, by its direction. It is tried once: it has nothing to do with the way of connecting.
    spins = {}

    version = f"{debian('odbc-postgresql')} (pyodbc {pyodbc.version})"

    def connect(self, to):
        self.to = to
        words = {
            "DRIVER": DRIVER,
            "Server": to["host"],
            "Port": to["port"],
            "Uid": to["user"],
            "Pwd": to["password"] or "",
            "Database": to["database"],
            "SSLmode": to["sslmode"] or "prefer",
            # Prepare at the server; after an error roll nothing back behind the user's back.
            "UseServerSidePrepare": 1,
            "Protocol": "7.4-0",
            "MaxVarcharSize": 255,
        }
        if to["ca_file"]:
            words["Pqopt"] = "{sslrootcert=%s}" % to["ca_file"]
        self.connection = pyodbc.connect(";".join(f"{name}={value}" for name, value in words.items()), autocommit=True)

    def close(self):
        self.connection.close()

    def simple(self, sql, *values):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, *values)
            return [list(row) for row in cursor.fetchall()] if cursor.description else []

    def extended(self, sql, value):
        return self.simple(sql, value)

    def prepared(self, sql, values):
        # pyodbc keeps the statement of a cursor prepared for as long as its text stays.
        with self.connection.cursor() as cursor:
            return [[list(row) for row in cursor.execute(sql, value).fetchall()] for value in values]

    def copy_in(self, sql, text):
        self.copy("in", f"create temporary table taken_in (n int4, word varchar(64)); {sql}")

    def copy_out(self, sql):
        self.copy("out", sql)

    def copy(self, direction, sql):
        """Tried in a process of its own, since only its end ends what the driver does then."""
        if direction not in self.spins:
            attempt = multiprocessing.get_context("fork").Process(target=lambda: (self.connect(self.to), self.simple(sql)))
            attempt.start()
            attempt.join(LIMIT)
            self.spins[direction] = attempt.is_alive()
            attempt.kill()
            attempt.join()
        raise NotSpoken("it spins" if self.spins[direction] else "it comes back, but has no call that moves the text")

    def cancel(self, sql, running):
        told, cursor = [], self.connection.cursor()

        def wait():
            try:
                cursor.execute(sql).fetchall()
            except Exception as error:
                told.append(self.sqlstate(error))

        waiting = threading.Thread(target=wait)
        waiting.start()
        running()
        cursor.cancel()
        waiting.join()
        return told[0]

    def sqlstate(self, error):
        return error.args[0] if error.args else None


if __name__ == "__main__":
    run(Odbc())
