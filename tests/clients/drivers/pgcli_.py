"""pgcli: a session in a terminal, typed at as by a person."""

import os
import re
import sys
import tempfile
from pathlib import Path

import pgcli
from harness import Client, run
from terminal import Terminal

PROMPT = "==ready=="

# Of a server that calls itself 8.0 its completion reads pg_proc.proisagg, which Redshift has and PostgreSQL no longer. What it
# says of that, from a thread of its own, would be among the answers.
START = "import threading; threading.excepthook = lambda _: None; from pgcli.main import cli; cli()"

CONFIG = """
[main]
multi_line = False
destructive_warning = False
smart_completion = False
enable_pager = False
less_chatty = True
row_limit = 0
timing = False
table_format = tsv_noheader
verbose_errors = True
on_error = STOP
history_file = {folder}/history
log_file = {folder}/log
"""


class Pgcli(Client):
    name = "pgcli"
    version = pgcli.__version__

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.config = Path(self.folder.name, "config")
        self.config.write_text(CONFIG.format(folder=self.folder.name))

    def connect(self, to):
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        env |= {"PGHOST": to["host"], "PGPORT": str(to["port"]), "TERM": "dumb", "HOME": self.folder.name}
        for name, value in [("PGPASSWORD", to["password"]), ("PGSSLMODE", to["sslmode"]), ("PGSSLROOTCERT", to["ca_file"])]:
            if value:
                env[name] = value
        command = [sys.executable, "-c", START, "--pgclirc", self.config, "--prompt", PROMPT, "-w"]
        self.terminal = Terminal([*command, "-U", to["user"], "-d", to["database"]], env)
        try:
            self.terminal.read_until(PROMPT)
        except AssertionError:
            self.terminal.end()
            raise

    def close(self):
        self.terminal.type("\\q\n")
        self.terminal.wait()
        self.terminal.end()

    def type(self, text):
        """What is printed between this line and the next prompt."""
        self.terminal.type(f"{text}\n")
        # What was typed is shown first.
        return self.terminal.read_until(PROMPT).removesuffix(PROMPT).partition("\n")[2]

    def simple(self, sql):
        said = self.type(f"{sql};")
        if self.sqlstate(said):
            raise RuntimeError(said)
        # Behind the rows comes the tag of the statement.
        return [line.split("\t") for line in said.splitlines()[:-1]]

    def extended(self, sql, value):
        return self.simple(sql.replace("%s", str(value)))

    def prepared(self, sql, values):
        return [self.extended(sql, value) for value in values]

    def copy_in(self, sql, text):
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            self.simple(f"\\{sql.replace('stdin', repr(file.name))}")

    def copy_out(self, sql):
        with tempfile.NamedTemporaryFile("r", encoding="utf-8") as file:
            self.type(f"\\{sql.replace('stdout', repr(file.name))}")
            return file.read()

    def cancel(self, sql, running):
        self.terminal.type(f"{sql};\n")
        running()
        self.terminal.interrupt()
        return self.sqlstate(self.terminal.read_until(PROMPT))

    def sqlstate(self, error):
        found = re.search(r"sqlstate: *(\w{5})", str(error), re.IGNORECASE)
        return found and found[1]


run(Pgcli())
