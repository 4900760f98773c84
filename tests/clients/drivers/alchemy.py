"""SQLAlchemy with the dialects of sqlalchemy-redshift, which say how its queries reach a driver."""

import importlib.metadata

import sqlalchemy
from harness import Client, run
from psycopg2_ import Psycopg2
from redshift import Redshift, trust
from sqlalchemy.pool import NullPool


class Alchemy(Client):
    """What SQLAlchemy itself does; COPY and cancel are the driver's, on SQLAlchemy's own connection."""

    version = f"{sqlalchemy.__version__} (sqlalchemy-redshift {importlib.metadata.version('sqlalchemy-redshift')})"
    mark = ":value"

    def connect(self, to):
        url = sqlalchemy.URL.create(
            f"redshift+{self.driver_name}", to["user"], to["password"], port=to["port"], database=to["database"]
        )
        # Asked for before any statement: a transaction would hide what a failed one leaves.
        engine = sqlalchemy.create_engine(
            url, connect_args=self.arguments(to), poolclass=NullPool, isolation_level="AUTOCOMMIT"
        )
        self.connection = engine.connect()
        self.driver.connection = self.connection.connection.dbapi_connection

    def close(self):
        self.connection.close()

    def simple(self, sql):
        result = self.connection.exec_driver_sql(sql)
        return [list(row) for row in result] if result.returns_rows else []

    def extended(self, sql, value):
        return self.connection.execute(sqlalchemy.text(sql.replace("::int4", "")), {"value": value}).fetchall()

    def prepared(self, sql, values):
        return [self.extended(sql, value) for value in values]

    def copy_in(self, sql, text):
        self.driver.copy_in(sql, text)

    def copy_out(self, sql):
        return self.driver.copy_out(sql)

    def cancel(self, sql, running):
        return self.driver.cancel(sql, running)

    def sqlstate(self, error):
        return self.driver.sqlstate(getattr(error, "orig", error))


class OnPsycopg2(Alchemy):
    name = "SQLAlchemy, redshift+psycopg2"
    driver_name = "psycopg2"
    driver = Psycopg2()

    def arguments(self, to):
        # The dialect would verify against Redshift's own authorities.
        return {"host": to["host"], "sslmode": to["sslmode"] or "prefer", "sslrootcert": to["ca_file"]}


class OnRedshiftConnector(Alchemy):
    name = "SQLAlchemy, redshift+redshift_connector"
    driver_name = "redshift_connector"
    driver = Redshift()

    def arguments(self, to):
        trust(to)
        mode = {"require": "verify-ca", None: "verify-ca"}.get(to["sslmode"], to["sslmode"])
        more = {"ssl": bool(to["sslmode"]), "sslmode": mode, "password": to["password"] or ""}
        if to["host"].startswith("/"):
            return {"unix_sock": f"{to['host']}/.s.PGSQL.{to['port']}", **more}
        return {"host": to["host"], **more}


run(OnPsycopg2(), OnRedshiftConnector())
