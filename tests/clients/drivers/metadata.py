"""redshift_connector: what it is told of each column, and what it said of itself. Prints one JSON object."""

import json
import os

import redshift_connector

to = json.loads(os.environ["CLIENTS_RAW"])
connection = redshift_connector.connect(
    host=to["host"], port=to["port"], user=to["user"], password="", database="dev", ssl=False
)
with connection.cursor() as cursor:
    cursor.execute("select order_id, coupon as code, 1 as one from mart.orders order by 1 limit 1")
    row = cursor.fetchall()[0]
    names = ["label", "schema_name", "table_name", "column_name", "catalog_name"]
    fields = [[field[name].decode() for name in names] for field in cursor.ps["row_desc"]]
    flags = [[field["nullable"], field["searchable"]] for field in cursor.ps["row_desc"]]
    cursor.execute("select pg_backend_pid()")
    session = cursor.fetchall()[0][0]
settings = {name.decode(): value.decode() for name, value in connection.parameter_statuses}
print(
    json.dumps(
        {
            "fields": fields,
            "flags": flags,
            "first": int(row[0]),
            "session": session,
            "version": redshift_connector.__version__,
            "server_protocol_version": settings["server_protocol_version"],
            "driver_token": settings["driver_token"],
        }
    )
)
connection.close()
