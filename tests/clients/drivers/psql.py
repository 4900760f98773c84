"""psql: a session in a terminal, typed at as by a person."""

import os
import re
import subprocess
import tempfile

from harness import Client, NotSpoken, run
from terminal import Terminal

END = "--end-of-answer--"


class Psql(Client):
    name = "psql"
    # Only so does it send them together.
    separator = "\\;"
    version = subprocess.run(["psql", "--version"], capture_output=True, text=True).stdout.split()[2]

    def connect(self, to):
        env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        env |= {"PGHOST": to["host"], "PGPORT": str(to["port"]), "PGUSER": to["user"], "PGDATABASE": to["database"]}
        for name, value in [("PGPASSWORD", to["password"]), ("PGSSLMODE", to["sslmode"]), ("PGSSLROOTCERT", to["ca_file"])]:
            if value:
                env[name] = value
        # Without a password it must fail rather than ask.
        command = ["psql", "-XAtqnw", "-P", "pager=off", "-P", "linestyle=ascii", "-v", "PROMPT1=", "-v", "PROMPT2=", "-v", "VERBOSITY=verbose"]
        self.terminal = Terminal(command, env)
        try:
            self.type("select 1;")
        except AssertionError:
            self.terminal.end()
            raise

    def close(self):
        self.terminal.type("\\q\n")
        self.terminal.wait()
        self.terminal.end()

    def type(self, text):
        """What is printed between this line and the next."""
        self.terminal.type(f"{text}\n\\echo {END}\n")
        return self.terminal.read_until(f"{END}\n").removesuffix(f"{END}\n")

    def simple(self, sql):
        said = self.type(f"{sql};")
        if "ERROR:" in said:
            raise RuntimeError(said.strip())
        return [line.split("|") for line in said.splitlines()]

    def extended(self, sql, value):
        said = self.type(sql.replace("%s", "$1") + f" \\bind {value} \\g")
        if "invalid command \\bind" in said:
            # What was typed so far is still there.
            self.type("\\r")
            raise NotSpoken("\\bind")
        return [line.split("|") for line in said.splitlines()]

    def prepared(self, sql, values):
        if int(self.version.split(".")[0]) < 18:
            return [self.extended(sql, value) for value in values]
        self.type(sql.replace("%s", "$1") + " \\parse named")
        return [[line.split("|") for line in self.type(f"\\bind_named named {value} \\g").splitlines()] for value in values]

    def copy_in(self, sql, text):
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            said = self.type(f"\\{sql.replace('stdin', file.name)}")
        if "ERROR:" in said:
            raise RuntimeError(said)

    def copy_out(self, sql):
        with tempfile.NamedTemporaryFile("r", encoding="utf-8") as file:
            self.type(f"\\{sql.replace('stdout', file.name)}")
            return file.read()

    def cancel(self, sql, running):
        self.terminal.type(f"{sql};\n")
        running()
        self.terminal.interrupt()
        return self.sqlstate(self.terminal.read_until(r"ERROR:.*\n"))

    def sqlstate(self, error):
        found = re.search(r"ERROR:  (\w{5}):", str(error))
        return found and found[1]


run(Psql())
