"""pgcli: a session in a terminal, typed at as by a person. Answers are read from the file that `\\o` names."""

import importlib.metadata
import os
import re
import sys
import tempfile
import time

from harness import Client, run
from terminal import PATIENCE, Terminal

#: Stands behind an answer, with whatever comes of it: the session may be in a transaction that has failed.
END = "select 'end of answer'"

SETTINGS = """
[main]
enable_pager = False
history_file = {folder}/history
keyring = False
log_file = {folder}/log
less_chatty = True
row_limit = 0
show_bottom_toolbar = False
table_format = csv-tab-noheader
timing = False
verbose_errors = True
"""


class Pgcli(Client):
    name = "pgcli"
    version = importlib.metadata.version("pgcli")
    # It sends one statement after the other, each a transaction of its own, and stops at the first that fails.
    keeps_before_error = 1
    canceled = "cancelled query"

    def connect(self, to):
        self.folder = tempfile.TemporaryDirectory()
        settings = f"{self.folder.name}/pgclirc"
        with open(settings, "w", encoding="utf-8") as file:
            file.write(SETTINGS.format(folder=self.folder.name))
        # The terminal here answers no questions about its cursor.
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"PROMPT_TOOLKIT_NO_CPR": "1"}
        for name, value in [("PGPASSWORD", to["password"]), ("PGSSLMODE", to["sslmode"]), ("PGSSLROOTCERT", to["ca_file"])]:
            if value:
                env[name] = value
        where = ["-h", to["host"], "-p", str(to["port"]), "-U", to["user"], "-d", to["database"]]
        self.terminal = Terminal([sys.executable, "-m", "pgcli", "--pgclirc", settings, "-w", "--warn", "off", *where], env)
        self.answers = f"{self.folder.name}/answers"
        try:
            self.terminal.type(f"\\o {self.answers}\r")
            self.terminal.read_until("Writing to file")
            self.ask("select 1")
        except AssertionError:
            self.terminal.end()
            raise

    def close(self):
        self.terminal.type("\\q\r")
        self.terminal.wait()
        self.terminal.end()
        self.folder.cleanup()

    def type(self, sql):
        """What comes out for one line."""
        self.terminal.type(f"{sql};\r")
        return self.answer(sql)

    def answer(self, sql):
        # Not from the terminal: pgcli's own search for names to offer fails on Redshift, and says so there at any time.
        deadline = time.monotonic() + PATIENCE
        self.terminal.type(f"{END};\r")
        while not (said := self.written().rpartition(f"{END};\n"))[1] or not said[2].endswith("\n\n"):
            if self.terminal.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{sql}: {''.join(said)[-500:]!r}")
            self.terminal.skim(0.02)
        os.truncate(self.answers, 0)
        return said[0].removeprefix(f"{sql};\n").removesuffix("\n\n")

    def written(self):
        with open(self.answers, encoding="utf-8") as file:
            return file.read()

    def simple(self, sql):
        said = self.type(sql)
        if "SQLSTATE code:" in said:
            raise RuntimeError(said)
        # The last line says what was done.
        return [line.split("\t") for line in said.split("\n")[:-1]]

    def noted(self, sql, note):
        # It takes comments out before it sends anything.
        return f"{sql}, '{note}'"

    def extended(self, sql, value):
        return self.simple(sql.replace("%s", "$1"))

    def prepared(self, sql, values):
        return [self.extended(sql, value) for value in values]

    def copy_in(self, sql, text):
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            self.simple(f"\\{sql.replace('stdin', repr(file.name))}")

    def copy_out(self, sql):
        with tempfile.NamedTemporaryFile("r", encoding="utf-8") as file:
            self.simple(f"\\{sql.replace('stdout', repr(file.name))}")
            return file.read()

    def cancel(self, sql, running):
        self.terminal.type(f"{sql};\r")
        running()
        self.terminal.interrupt()
        self.terminal.read_until(self.canceled)
        self.answer(sql)
        return self.canceled

    def sqlstate(self, error):
        found = re.search(r"SQLSTATE code: (\w{5})", str(error))
        return found and found[1]


run(Pgcli())
