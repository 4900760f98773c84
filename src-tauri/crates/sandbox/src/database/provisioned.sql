-- Takes from a database what a provisioned cluster of an older track lacks, and gives it the tables that such a cluster has
-- (https://docs.aws.amazon.com/redshift/latest/dg/cm_chap_system-tables.html). Superusers see everybody's rows, others their own, unless
-- they have SYSLOG ACCESS UNRESTRICTED, which is membership of a role here.

SET allow_system_table_mods = on;

DROP VIEW pg_catalog.sys_query_history, pg_catalog.sys_query_text, pg_catalog.sys_session_history;

CREATE VIEW pg_catalog.stv_recents AS
SELECT user_id AS userid,
    CASE WHEN end_us IS NULL THEN 'Running' ELSE 'Done' END::character(20) AS status,
    pg_catalog.pg_internal_server_time(start_us, (SELECT clock_ahead_us FROM pg_internal.setting)) AS starttime,
    (coalesce(end_us, pg_catalog.pg_internal_now_us()) - start_us)::integer AS duration,
    username::character(50) AS user_name,
    database_name::character(50) AS db_name,
    left(replace(query_text, E'\n', '\n'), 600)::character(600) AS query,
    CASE WHEN end_us IS NULL THEN session_id ELSE -1 END AS pid
FROM (
    SELECT *, row_number() OVER (PARTITION BY end_us IS NULL ORDER BY start_us DESC) AS place FROM pg_internal.query_log
    WHERE username = session_user OR (SELECT pg_catalog.pg_internal_has_system_role('syslog access'))
) AS visible
-- Only the latest are remembered.
WHERE end_us IS NULL OR place <= 100;

CREATE VIEW pg_catalog.stv_sessions AS
SELECT pg_catalog.pg_internal_server_time(start_us, (SELECT clock_ahead_us FROM pg_internal.setting)) AS starttime,
    session_id AS process,
    username::character(50) AS user_name,
    database_name::character(50) AS db_name,
    0 AS timeout_sec
FROM pg_internal.session_log
WHERE end_us IS NULL
    AND (username = session_user OR (SELECT pg_catalog.pg_internal_has_system_role('syslog access')));

CREATE FUNCTION pg_catalog.pg_internal_locks()
RETURNS TABLE (owner name, db name, pid integer, lock_mode text, object_type text, relation integer, granted boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT usename, datname, activity.pid + 1073741824, mode, locktype, locks.relation::integer, locks.granted
    FROM pg_locks AS locks JOIN pg_internal_stat_activity AS activity ON activity.pid = locks.pid
    WHERE backend_type = 'client backend' AND usename <> 'rdsdb'
$$;

CREATE VIEW pg_catalog.svv_transactions AS
SELECT owner::text AS txn_owner, db::text AS txn_db, pid, lock_mode, object_type AS lockable_object_type, relation, granted
FROM pg_catalog.pg_internal_locks()
WHERE owner = session_user OR (SELECT pg_catalog.pg_internal_has_system_role('superuser'));

GRANT SELECT ON pg_catalog.stv_recents, pg_catalog.stv_sessions, pg_catalog.svv_transactions TO PUBLIC;
