"""A program in a terminal of its own, typed at and read from as by a person."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

#: Ends a wait that would never end, in seconds; nothing is judged by it.
PATIENCE = 60

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b\][^\x07]*\x07|\r")


class Terminal:
    def __init__(self, command, env):
        self.master, slave = pty.openpty()
        settings = termios.tcgetattr(slave)
        settings[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, settings)
        termios.tcsetwinsize(slave, (50, 4000))

        def own_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, preexec_fn=own_terminal)
        os.close(slave)
        self.seen = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def type(self, text):
        os.write(self.master, text.encode())

    def interrupt(self):
        """Ctrl+C."""
        self.type("\x03")

    def read_until(self, pattern):
        """What was printed up to and with a match of the pattern."""
        deadline = time.monotonic() + PATIENCE
        read = []
        while True:
            found = re.search(pattern, self.seen)
            if found:
                read.append(self.seen[: found.end()])
                self.seen = self.seen[found.end() :]
                return "".join(read)
            # A match may begin in what is here and end in what is still to come.
            read.append(self.seen[:-200])
            self.seen = self.seen[-200:]
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"waited for {pattern!r} and saw {self.seen!r}")
            try:
                self.seen += ESCAPES.sub("", self.decoder.decode(os.read(self.master, 65536)))
            except OSError:
                raise AssertionError(f"it ended before {pattern!r}: {self.seen!r}") from None

    def skim(self, seconds):
        """Takes what is printed meanwhile: a program whose terminal is full stands still."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            try:
                os.read(self.master, 65536)
            except OSError:
                # The other end is closed.
                time.sleep(seconds)

    def wait(self):
        """Its exit code."""
        try:
            while os.read(self.master, 65536):
                pass
        except OSError:
            # The other end is closed.
            pass
        return self.process.wait()

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self.master)
