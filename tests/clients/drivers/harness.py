"""What every Python client does: the same checks in the same order, one JSON line for each.

A client is a subclass of `Client` that says how its driver connects, asks and cancels. What only the server can tell
is asked of the test that started this program: a line on stdout, an answer on stdin.
"""

import hashlib
import json
import os
import sys
import traceback

LARGE = 50_000
COPIED = 20_000


class NotSpoken(Exception):
    """The driver has no such thing."""


class Client:
    #: How a parameter is written in the driver's SQL.
    mark = "%s"
    #: Between statements that are sent together.
    separator = ";"
    #: How many statements of a script stay done when a later one fails.
    keeps_before_error = 0
    #: What it tells of a statement that was canceled.
    canceled = "57014"

    def connect(self, to):
        """Opens a session; `to` has host, port, user, password, database, sslmode and ca_file."""
        raise NotImplementedError

    def close(self):
        raise NotImplementedError

    def simple(self, sql):
        """Rows of a statement that goes as a simple query, if the driver knows how."""
        raise NotImplementedError

    def noted(self, sql, note):
        """A statement that can be found by a note at the server and in the audit log."""
        return f"{sql} /* {note} */"

    def extended(self, sql, value):
        """Rows of a statement with one parameter."""
        raise NotImplementedError

    def prepared(self, sql, values):
        """Rows of a statement that is prepared once and run with each of the values."""
        raise NotSpoken

    def ask(self, sql):
        """Rows of a statement, the way the driver's users send one."""
        return self.simple(sql)

    def tell(self, sql):
        """Runs something that has no rows."""
        self.ask(sql)

    def copy_in(self, sql, text):
        raise NotSpoken

    def copy_out(self, sql):
        raise NotSpoken

    def cancel(self, sql, running):
        """Runs `sql`, cancels it after `running()` has come back, and returns the SQLSTATE that the driver told."""
        raise NotSpoken

    def sqlstate(self, error):
        return getattr(error, "sqlstate", None)

    def failure(self, sql):
        """The SQLSTATE with which a statement fails."""
        try:
            self.ask(sql)
        except Exception as error:
            return self.sqlstate(error)
        return "00000"


class DbApi(Client):
    """What is the same in every driver of PEP 249 that takes `%s`; the subclass connects."""

    def close(self):
        self.connection.close()

    def simple(self, sql, values=None):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []

    def extended(self, sql, value):
        return self.simple(sql, [value])

    def prepared(self, sql, values):
        return [self.simple(sql, [value]) for value in values]


def expect(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what} {actual!r}, not {expected!r}".strip())


def say(**line):
    print(json.dumps(line), flush=True)


def inquire(what, **more):
    """Asks the test for something that the server knows."""
    say(inquiry=what, **more)
    return json.loads(sys.stdin.readline())


def copied():
    return "".join(f"{n}\t값 {n}\n" for n in range(1, COPIED + 1))


class Checks:
    """The checks of one client in one way of connecting."""

    ORDER = ["connect", "simple", "extended", "prepared", "large", "copy_in", "copy_out", "error", "cancel", "disconnect"]

    def __init__(self, client, to):
        self.client, self.to, self.tag = client, to, to["tag"]

    def run(self):
        connected = False
        for name in self.ORDER:
            try:
                if not connected and name != "connect":
                    self.client.connect(self.to)
                connected = True
                getattr(self, name)()
                say(tag=self.tag, check=name, failure=None)
            except Exception as error:
                if os.environ.get("CLIENTS_TRACE"):
                    traceback.print_exc()
                say(tag=self.tag, check=name, failure=f"{type(error).__name__}: {error}")
                # The next check gets a session that has seen nothing of this.
                connected = False
                try:
                    self.client.close()
                except Exception:
                    pass

    def connect(self):
        for other in self.to["refuses"]:
            try:
                self.client.connect({**self.to, **other})
            except Exception:
                continue
            raise AssertionError(f"connected to {other} all the same")
        self.client.connect(self.to)
        expect(self.client.ask("select current_user::text")[0][0], self.to["server_user"])

    def simple(self):
        sql = self.client.noted("select 40 + 2", f"simple {self.tag} ")
        expect(int(self.client.simple(sql)[0][0]), 42)

    def extended(self):
        sql = self.client.noted(f"select 40 + {self.client.mark}::int4", f"extended {self.tag} ")
        expect(int(self.client.extended(sql, 2)[0][0]), 42)

    def prepared(self):
        sql = self.client.noted(f"select 40 + {self.client.mark}::int4", f"prepared {self.tag} ")
        rows = [int(rows[0][0]) for rows in self.client.prepared(sql, [1, 2, 3])]
        expect(rows, [41, 42, 43])

    def large(self):
        rows = self.client.ask(f"select n, repeat(md5(n::text), 4) from generate_series(1, {LARGE}) as n")
        expect(len(rows), LARGE)
        for n, (number, filler) in enumerate(rows, 1):
            expect((int(number), filler), (n, hashlib.md5(str(n).encode()).hexdigest() * 4))

    def copy_in(self):
        self.client.tell("create temporary table taken_in (n int4, word varchar(64))")
        self.client.copy_in("copy taken_in from stdin", copied())
        count = self.client.ask("select count(*)::int4, sum(n)::int4, max(word)::text from taken_in")[0]
        expect([str(value) for value in count], [str(COPIED), str(COPIED * (COPIED + 1) // 2), "값 9999"])

    def copy_out(self):
        sql = f"copy (select n, '값 ' || n from generate_series(1, {COPIED}) as n) to stdout"
        expect(self.client.copy_out(sql) == copied(), True, "the same text:")

    def error(self):
        state = self.client.failure("select 1/0 as zero")
        expect(state, "22012")
        self.script()
        self.client.tell("begin")
        expect(self.client.failure("select 1/0 as zero"), "22012")
        expect(self.client.failure("select 1"), "25P02", "after an error in a transaction:")
        self.client.tell("rollback")
        expect(int(self.client.ask("select 7")[0][0]), 7)

    def script(self):
        """Several statements at once, of which the second fails: nothing of the first stays where they are one transaction, and the
        third never ran."""
        name = "made_by_" + "".join(letter if letter.isalnum() else "_" for letter in self.tag)
        statements = [f"create table public.{name} (n int4)", "select 1/0 as zero", f"create table public.{name}_too (n int4)"]
        state = self.client.failure(f"{self.client.separator} ".join(statements))
        # Drivers that prepare everything are told that a prepared statement is one statement.
        expect(state in ("22012", "42601"), True, f"{state} is expected:")
        made = self.client.ask(f"select count(*)::int4 from pg_class where strpos(relname, '{name}') = 1")
        expect(int(made[0][0]), self.client.keeps_before_error, "tables left:")
        if self.client.keeps_before_error:
            self.client.tell(f"drop table public.{name}")

    def cancel(self):
        needle = f"canceled {self.tag}"
        session = self.session()
        running = lambda: expect(inquire("running", needle=needle), "yes")
        state = self.client.cancel(self.client.noted("select pg_sleep(120)::text", needle), running)
        expect(inquire("ended", needle=needle), "canceled", "at the server the statement is")
        expect(state, self.client.canceled)
        expect(self.session(), session, "the session afterwards is")

    def disconnect(self):
        session = self.session()
        self.client.close()
        expect(inquire("gone", session=session), "the client disconnected", "the session ended because")

    def session(self):
        return int(self.client.ask("select pg_backend_pid()")[0][0])


def run(*clients):
    """Runs every client in every way that the test asks for."""
    for client in clients:
        say(client=client.name, version=client.version)
        for to in json.loads(os.environ["CLIENTS_WAYS"]):
            Checks(client, {**to, "tag": f"{client.name}/{to['way']}"}).run()
