-- Makes a database of PostgreSQL answer like one of Redshift Serverless.
--
-- Run once in template1 by the cluster's own superuser, so that every database made later has it. Everything goes
-- straight into pg_catalog: it is searched first whatever a session's search_path says, and SHOW search_path stays
-- what a client expects. A built-in function cannot be redefined (its compiled form is called whatever the catalogue
-- says), so it is renamed to pg_internal_* and a new one takes its name; PostgreSQL itself refers to it by number.
--
-- Not emulated, because PostgreSQL's own parser or clients of the catalogue depend on it: pg_enum, pg_extension,
-- pg_type.typarray and typcategory exist here and not there; current_setting('server_version') and
-- server_version_num answer for PostgreSQL; types SUPER, VARBYTE and GEOMETRY are missing; SAVEPOINT, RETURNING and
-- LISTEN work; constraints are enforced; SVV_* views list the current database only. Statements plan, compile and queue only
-- when a test asks for it; a wait for a lock counts in the query's lock_wait_time and, as the list of statuses in
-- https://docs.aws.amazon.com/redshift/latest/dg/SYS_QUERY_HISTORY.html has no word for it, not in its status. A
-- clock that is set ahead shows in SYS_* views, now() and getdate(), not in CURRENT_TIMESTAMP and not in what is stored.

SET allow_system_table_mods = on;

-- Catalogue tables that Redshift, a fork of 8.0, does not have. Drivers that look for them must cope.
ALTER TABLE pg_catalog.pg_range RENAME TO pg_internal_range;

CREATE SCHEMA pg_internal;
REVOKE ALL ON SCHEMA pg_internal FROM PUBLIC;

---------------------------------------------------------------------------------------------------- who sees what

-- Rights of the session's own user, also from inside a function that runs as its owner.
CREATE FUNCTION pg_catalog.pg_internal_has_system_role(VARIADIC roles text[]) RETURNS boolean
LANGUAGE sql STABLE AS $$
    SELECT rolsuper OR (
        SELECT coalesce(bool_or(pg_has_role(session_user, oid, 'MEMBER')), false)
        FROM pg_catalog.pg_roles WHERE rolname = ANY (roles))
    FROM pg_catalog.pg_roles WHERE rolname = session_user
$$;

------------------------------------------------------------------------------------------------------------- time

-- What a test has set, one row: how far the server's clock is ahead, and whether a cancel is only answered.
CREATE TABLE pg_internal.setting (clock_ahead_us bigint NOT NULL, ignores_cancel boolean NOT NULL);
INSERT INTO pg_internal.setting VALUES (0, false);

ALTER FUNCTION pg_catalog.now() RENAME TO pg_internal_machine_now;
CREATE FUNCTION pg_catalog.now() RETURNS timestamp with time zone
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT pg_internal_machine_now() + clock_ahead_us * interval '1 microsecond' FROM pg_internal.setting
$$;
CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp without time zone LANGUAGE sql STABLE AS $$
    SELECT pg_catalog.now() AT TIME ZONE 'UTC'
$$;

-- What was noted in microseconds by the machine's clock, as the server's clock has it.
CREATE FUNCTION pg_catalog.pg_internal_server_time(machine_us bigint, ahead_us bigint)
RETURNS timestamp without time zone LANGUAGE sql IMMUTABLE AS $$
    SELECT timestamp 'epoch' + (machine_us + ahead_us) * interval '1 microsecond'
$$;

------------------------------------------------------------------------------------------------ version and session

ALTER FUNCTION pg_catalog.version() RENAME TO pg_internal_version;
CREATE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE AS $$
    SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), '
        || 'Redshift 1.0.118944'
$$;

-- Redshift's process ids start at 2^30: a client that takes them for small numbers, or sorts by them, should notice.
ALTER FUNCTION pg_catalog.pg_backend_pid() RENAME TO pg_internal_backend_pid;
CREATE FUNCTION pg_catalog.pg_backend_pid() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT pg_catalog.pg_internal_backend_pid() + 1073741824
$$;

ALTER VIEW pg_catalog.pg_stat_activity RENAME TO pg_internal_stat_activity;
CREATE VIEW pg_catalog.pg_stat_activity AS
    SELECT datid, datname, pid + 1073741824 AS procpid, usesysid, usename,
        ''::text AS current_query, query_start + clock_ahead_us * interval '1 microsecond' AS query_start
    FROM pg_catalog.pg_internal_stat_activity, pg_internal.setting
    WHERE backend_type = 'client backend' AND usename <> 'rdsdb';
GRANT SELECT ON pg_catalog.pg_stat_activity TO PUBLIC;

----------------------------------------------------------------------------------------------- cancel and terminate

ALTER FUNCTION pg_catalog.pg_cancel_backend(integer) RENAME TO pg_internal_cancel_backend;
ALTER FUNCTION pg_catalog.pg_terminate_backend(integer, bigint) RENAME TO pg_internal_terminate_backend;

-- The process behind a session's id if the caller may signal it. Own sessions; anybody's for a superuser or
-- sys:operator. NULL, with Redshift's sentence, when there is no such session.
CREATE FUNCTION pg_catalog.pg_internal_signalable(session_id integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    owner name;
BEGIN
    SELECT usename INTO owner FROM pg_internal_stat_activity
        WHERE pid = session_id - 1073741824 AND backend_type = 'client backend' AND usename <> 'rdsdb';
    IF NOT FOUND THEN
        RAISE INFO 'Session % does not exist. The session PID might have changed. Check the stl_restarted_sessions system table for details.', session_id;
        RETURN NULL;
    END IF;
    IF owner <> session_user AND NOT pg_internal_has_system_role('sys:operator') THEN
        RAISE EXCEPTION 'must be superuser to signal other server processes' USING ERRCODE = '42501';
    END IF;
    RETURN session_id - 1073741824;
END
$$;

CREATE FUNCTION pg_catalog.pg_cancel_backend(session_id integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    process integer := pg_internal_signalable(session_id);
BEGIN
    IF process IS NULL OR (SELECT ignores_cancel FROM pg_internal.setting) THEN
        RETURN process IS NOT NULL;
    END IF;
    -- A statement that the front still holds back is not here yet. The front reads this, and keeps it to itself.
    RAISE INFO '%', session_id USING ERRCODE = 'ZZ001';
    RETURN pg_internal_cancel_backend(process);
END
$$;

CREATE FUNCTION pg_catalog.pg_terminate_backend(session_id integer) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    RETURN coalesce(pg_internal_terminate_backend(pg_internal_signalable(session_id), 0), false);
END
$$;

-- What the front makes of a statement that mixes nodes, where a test has asked for that to be refused.
CREATE FUNCTION pg_catalog.pg_internal_leader_only() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE INFO 'Function "pg_cancel_backend(integer)" not supported.';
    RAISE EXCEPTION 'Specified types or functions (one per INFO message) not supported on Redshift tables.'
        USING ERRCODE = '0A000';
END
$$;

-- What the front makes of `CANCEL pid ['message']`. It keeps the message for the owner of the query itself.
CREATE PROCEDURE pg_catalog.pg_internal_cancel(session_id integer, message text DEFAULT NULL)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_catalog.pg_cancel_backend(session_id);
END
$$;

-------------------------------------------------------------------------------------------------- SYS_* monitoring

-- Written by the front, which sees every statement begin and end. One row per statement, updated in place, so that a
-- query is never listed twice nor missing at the moment it ends.
CREATE TABLE pg_internal.query_log (
    query_id bigint PRIMARY KEY,
    user_id integer NOT NULL,
    username text NOT NULL,
    transaction_id bigint NOT NULL,
    session_id integer NOT NULL,
    database_name text NOT NULL,
    query_type text NOT NULL,
    status text NOT NULL,
    start_us bigint NOT NULL,
    end_us bigint,
    phase_us bigint NOT NULL,
    planning_us bigint NOT NULL,
    compile_us bigint NOT NULL,
    queue_us bigint NOT NULL,
    lock_us bigint NOT NULL,
    error_message text NOT NULL,
    returned_rows bigint NOT NULL,
    returned_bytes bigint NOT NULL,
    query_text text NOT NULL
);

CREATE TABLE pg_internal.session_log (
    session_id integer NOT NULL,
    start_us bigint NOT NULL,
    end_us bigint,
    user_id integer NOT NULL,
    username text NOT NULL,
    database_name text NOT NULL,
    -- Pairs of name and value, in the client's order.
    startup json NOT NULL,
    PRIMARY KEY (session_id, start_us)
);

CREATE FUNCTION pg_catalog.pg_internal_now_us() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint
$$;

-- What each session is doing this instant, for every user: the caller's view of pg_stat_activity would hide others'.
CREATE FUNCTION pg_catalog.pg_internal_waits()
RETURNS TABLE (session_id integer, returning_rows boolean, lock_wait_us bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT pid + 1073741824, wait_event = 'ClientWrite',
        CASE WHEN wait_event_type = 'Lock' THEN (
            SELECT (extract(epoch FROM clock_timestamp() - min(waitstart)) * 1000000)::bigint
            FROM pg_locks WHERE pg_locks.pid = activity.pid AND NOT granted) END
    FROM pg_internal_stat_activity AS activity
    WHERE state = 'active' AND backend_type = 'client backend'
$$;

CREATE VIEW pg_catalog.sys_query_history AS
WITH noted AS (
    SELECT log.*, coalesce(end_us, pg_catalog.pg_internal_now_us()) AS until_us,
        waits.returning_rows, waits.lock_wait_us
    FROM pg_internal.query_log AS log
    LEFT JOIN pg_catalog.pg_internal_waits() AS waits ON waits.session_id = log.session_id AND log.end_us IS NULL
    WHERE log.username = session_user
        OR (SELECT pg_catalog.pg_internal_has_system_role('sys:monitor', 'sys:operator'))
), query AS (
    -- Redshift has no word for compiling: it lies between planning and queueing.
    SELECT noted.user_id, query_id, transaction_id, session_id, database_name, query_type, start_us, until_us,
        error_message, returned_rows, returned_bytes, query_text, username,
        CASE WHEN returning_rows THEN 'returning' WHEN status = 'compiling' THEN 'planning' ELSE status END AS now_status,
        planning_us + CASE status WHEN 'planning' THEN until_us - phase_us ELSE 0 END AS planned_us,
        compile_us + CASE status WHEN 'compiling' THEN until_us - phase_us ELSE 0 END AS compiled_us,
        queue_us + CASE status WHEN 'queued' THEN until_us - phase_us ELSE 0 END AS queued_us,
        greatest(lock_us, lock_wait_us) AS locked_us
    FROM noted
)
SELECT
    user_id,
    query_id,
    'default'::character(320) AS query_label,
    transaction_id,
    session_id,
    database_name::character(128) AS database_name,
    query_type::character(32) AS query_type,
    now_status::character(10) AS status,
    false AS result_cache_hit,
    pg_catalog.pg_internal_server_time(start_us, clock_ahead_us) AS start_time,
    pg_catalog.pg_internal_server_time(until_us, clock_ahead_us) AS end_time,
    until_us - start_us AS elapsed_time,
    queued_us AS queue_time,
    greatest(until_us - start_us - planned_us - compiled_us - queued_us - locked_us, 0) AS execution_time,
    left(error_message, 512)::character(512) AS error_message,
    returned_rows,
    returned_bytes,
    left(replace(query_text, E'\n', '\n'), 4000)::character(4000) AS query_text,
    'Redshift 1.0.118944'::character(256) AS redshift_version,
    ''::character(150) AS usage_limit,
    'primary'::character varying(32) AS compute_type,
    compiled_us AS compile_time,
    planned_us AS planning_time,
    locked_us AS lock_wait_time,
    -1 AS service_class_id,
    ''::character(64) AS service_class_name,
    ''::character(20) AS query_priority,
    ''::character(10) AS short_query_accelerated,
    md5(query_text)::character(40) AS user_query_hash,
    md5(regexp_replace(query_text, '''[^'']*''|\m[0-9.]+\M', '?', 'g'))::character(40) AS generic_query_hash,
    1 AS query_hash_version,
    NULL::integer AS result_cache_query_id,
    username::character(128) AS username
FROM query, pg_internal.setting;

CREATE VIEW pg_catalog.sys_query_text AS
SELECT user_id, query_id, transaction_id, session_id,
    pg_catalog.pg_internal_server_time(start_us, clock_ahead_us) AS start_time,
    sequence,
    substr(escaped, sequence * 4000 + 1, 4000)::character(4000) AS text
FROM (
    SELECT log.*, replace(query_text, E'\n', '\n') AS escaped FROM pg_internal.query_log AS log
    WHERE log.username = session_user
        OR (SELECT pg_catalog.pg_internal_has_system_role('sys:monitor', 'sys:operator'))
) AS query, pg_internal.setting, generate_series(0, greatest(length(escaped) - 1, 0) / 4000) AS sequence;

CREATE VIEW pg_catalog.sys_session_history AS
SELECT user_id::text::character(50) AS user_id, session_id,
    database_name::character(50) AS database_name,
    CASE WHEN end_us IS NULL THEN 'active' ELSE 'closed' END::character(50) AS status,
    0 AS session_timeout,
    pg_catalog.pg_internal_server_time(start_us, clock_ahead_us) AS start_time,
    pg_catalog.pg_internal_server_time(end_us, clock_ahead_us) AS end_time
FROM pg_internal.session_log, pg_internal.setting
WHERE username = session_user
    OR (SELECT pg_catalog.pg_internal_has_system_role('sys:monitor', 'sys:operator'));

GRANT SELECT ON pg_catalog.sys_query_history, pg_catalog.sys_query_text, pg_catalog.sys_session_history TO PUBLIC;

--------------------------------------------------------------------------------------------------- SVV_* catalogue

CREATE VIEW pg_catalog.svv_redshift_databases AS
SELECT datname::character varying(128) AS database_name, datdba::integer AS database_owner,
    'local'::character varying(32) AS database_type, datacl::text AS database_acl,
    ''::character varying(128) AS database_options, 'Snapshot Isolation'::character varying(128) AS database_isolation_level
FROM pg_catalog.pg_database WHERE datallowconn AND NOT datistemplate AND datname <> 'postgres';

CREATE VIEW pg_catalog.svv_redshift_schemas AS
SELECT current_database()::character varying(128) AS database_name, nspname::character varying(128) AS schema_name,
    nspowner::integer AS schema_owner, 'local'::character varying(128) AS schema_type,
    nspacl::text AS schema_acl, ''::character varying(128) AS schema_option
FROM pg_catalog.pg_namespace
WHERE nspname NOT LIKE 'pg\_toast%' AND nspname NOT LIKE 'pg\_temp%' AND nspname <> 'pg_internal';

-- What a data lake and late-binding views would be; see below.
CREATE TABLE pg_internal.external_schema (redshift_database_name text NOT NULL, schema_name text NOT NULL);
CREATE TABLE pg_internal.external_column (
    redshift_database_name text NOT NULL,
    schemaname text NOT NULL,
    tablename text NOT NULL,
    columnname text NOT NULL,
    external_type text NOT NULL,
    columnnum integer NOT NULL,
    part_key integer NOT NULL DEFAULT 0,
    is_nullable text NOT NULL DEFAULT ''
);
CREATE TABLE pg_internal.late_binding_view_column (
    database_name text NOT NULL,
    view_schema name NOT NULL,
    view_name name NOT NULL,
    col_name name NOT NULL,
    col_type text NOT NULL,
    col_num integer NOT NULL
);

CREATE VIEW pg_catalog.svv_all_schemas AS
SELECT database_name, schema_name, schema_owner, schema_type, schema_acl,
    ''::character varying(128) AS source_database, schema_option
FROM pg_catalog.svv_redshift_schemas
UNION ALL
SELECT redshift_database_name, schema_name, 10, 'external', NULL, '', ''
FROM pg_internal.external_schema WHERE redshift_database_name = current_database();

CREATE VIEW pg_catalog.svv_redshift_tables AS
SELECT current_database()::character varying(128) AS database_name, nspname::character varying(128) AS schema_name,
    relname::character varying(128) AS table_name,
    CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END::character varying(128) AS table_type,
    relacl::text AS table_acl, obj_description(c.oid, 'pg_class')::character varying(128) AS remarks,
    relowner::integer AS table_owner
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace
WHERE relkind IN ('r', 'v', 'm', 'p') AND nspname <> 'pg_internal' AND relname NOT LIKE 'pg\_internal\_%'
    AND nspname NOT LIKE 'pg\_toast%' AND nspname NOT LIKE 'pg\_temp%'
    AND has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, REFERENCES');

CREATE VIEW pg_catalog.svv_all_tables AS
SELECT database_name, schema_name, table_name, table_acl, table_type, remarks FROM pg_catalog.svv_redshift_tables
UNION ALL
SELECT DISTINCT redshift_database_name, schemaname, tablename, NULL, 'EXTERNAL TABLE', NULL
FROM pg_internal.external_column WHERE redshift_database_name = current_database();

CREATE VIEW pg_catalog.svv_tables AS
SELECT database_name AS table_catalog, schema_name AS table_schema, table_name,
    CASE table_type WHEN 'TABLE' THEN 'BASE TABLE' ELSE table_type END::character varying AS table_type, remarks
FROM pg_catalog.svv_redshift_tables;

CREATE VIEW pg_catalog.svv_all_columns AS
SELECT current_database()::character varying(128) AS database_name, nspname::character varying(128) AS schema_name,
    relname::character varying(128) AS table_name, attname::character varying(128) AS column_name,
    attnum::integer AS ordinal_position,
    pg_get_expr(adbin, adrelid)::character varying(4000) AS column_default,
    CASE WHEN attnotnull THEN 'NO' ELSE 'YES' END::character varying(3) AS is_nullable,
    format_type(atttypid, NULL)::character varying(128) AS data_type,
    CASE WHEN atttypid IN (1042, 1043) AND atttypmod > 4 THEN atttypmod - 4 END AS character_maximum_length,
    CASE atttypid WHEN 1700 THEN ((atttypmod - 4) >> 16) & 65535 WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64
        WHEN 700 THEN 24 WHEN 701 THEN 53 END AS numeric_precision,
    CASE atttypid WHEN 1700 THEN (atttypmod - 4) & 65535 WHEN 21 THEN 0 WHEN 23 THEN 0 WHEN 20 THEN 0 END AS numeric_scale,
    col_description(attrelid, attnum)::character varying(256) AS remarks
FROM pg_catalog.pg_attribute
JOIN pg_catalog.pg_class AS c ON c.oid = attrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace
LEFT JOIN pg_catalog.pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attnum > 0 AND NOT attisdropped AND relkind IN ('r', 'v', 'm', 'p')
    AND nspname <> 'pg_internal' AND relname NOT LIKE 'pg\_internal\_%'
    AND nspname NOT LIKE 'pg\_toast%' AND nspname NOT LIKE 'pg\_temp%'
    AND has_column_privilege(attrelid, attnum, 'SELECT, INSERT, UPDATE, REFERENCES');

-- `data_type` tells length and precision here, and not in SVV_ALL_COLUMNS.
CREATE VIEW pg_catalog.svv_redshift_columns AS
SELECT database_name, schema_name, table_name, column_name, ordinal_position,
    CASE WHEN character_maximum_length IS NOT NULL THEN data_type || '(' || character_maximum_length || ')'
        WHEN data_type = 'numeric' THEN 'numeric(' || numeric_precision || ',' || numeric_scale || ')'
        ELSE data_type END::character varying(128) AS data_type,
    column_default, is_nullable,
    'none'::character varying(128) AS encoding, false AS distkey, 0 AS sortkey,
    NULL::character varying(128) AS column_acl, remarks
FROM pg_catalog.svv_all_columns;

CREATE VIEW pg_catalog.svv_columns AS
SELECT database_name AS table_catalog, schema_name AS table_schema, table_name, column_name, ordinal_position,
    column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, remarks
FROM pg_catalog.svv_all_columns;

-- Roles granted to users; an ordinary user sees the ones granted to itself.
CREATE VIEW pg_catalog.svv_user_grants AS
SELECT member.oid::integer AS user_id, member.rolname::text AS user_name, granted.oid::integer AS role_id,
    granted.rolname::text AS role_name, admin_option
FROM pg_auth_members
JOIN pg_roles AS member ON member.oid = pg_auth_members.member
JOIN pg_roles AS granted ON granted.oid = pg_auth_members.roleid
WHERE member.rolcanlogin
    AND (member.rolname = session_user OR (SELECT rolsuper FROM pg_roles WHERE rolname = session_user));

-- No data lake behind this warehouse. What its catalogue would say is in the tables above, empty until the admin fills
-- them; the rows of such a table cannot be read.
CREATE VIEW pg_catalog.svv_external_schemas AS
SELECT 100000::oid AS esoid, 1::smallint AS eskind, schema_name::name AS schemaname, 10 AS esowner,
    'lake'::text AS databasename, '{}'::text AS esoptions
FROM pg_internal.external_schema WHERE redshift_database_name = current_database();

CREATE VIEW pg_catalog.svv_external_tables AS
SELECT DISTINCT redshift_database_name, schemaname, tablename, 'TABLE'::text AS tabletype,
    's3://lake/' || tablename AS location, NULL::text AS input_format, NULL::text AS output_format,
    NULL::text AS serialization_lib, NULL::text AS serde_parameters, 0 AS compressed, NULL::text AS parameters
FROM pg_internal.external_column WHERE redshift_database_name = current_database();

CREATE VIEW pg_catalog.svv_external_columns AS
SELECT redshift_database_name, schemaname, tablename, columnname, external_type, columnnum, part_key, is_nullable
FROM pg_internal.external_column WHERE redshift_database_name = current_database();

-- WITH NO SCHEMA BINDING has no counterpart: what such views would look like is likewise the admin's to say.
CREATE FUNCTION pg_catalog.pg_get_late_binding_view_cols() RETURNS SETOF record
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT view_schema, view_name, col_name, col_type::character varying, col_num
    FROM pg_internal.late_binding_view_column WHERE database_name = current_database()
$$;

CREATE VIEW pg_catalog.svv_redshift_functions AS
SELECT current_database()::character varying(128) AS database_name, nspname::character varying(128) AS schema_name,
    proname::character varying(128) AS function_name,
    CASE prokind WHEN 'p' THEN 'STORED PROCEDURE' WHEN 'a' THEN 'AGGREGATE FUNCTION'
        ELSE 'REGULAR FUNCTION' END::character varying(128) AS function_type,
    oidvectortypes(proargtypes)::character varying(512) AS argument_type,
    format_type(prorettype, NULL)::character varying(128) AS result_type
FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = pronamespace
WHERE nspname <> 'pg_internal' AND proname NOT LIKE 'pg\_internal\_%' AND has_function_privilege(p.oid, 'EXECUTE');

-- For superusers, and whom they grant it to. Empty tables are not in it.
CREATE VIEW pg_catalog.svv_table_info AS
SELECT current_database()::text AS database, nspname::text AS schema, c.oid AS table_id, relname::text AS "table",
    'N'::text AS encoded, 'AUTO(ALL)'::text AS diststyle, 'AUTO(SORTKEY)'::text AS sortkey1, 0 AS max_varchar,
    'none'::character(32) AS sortkey1_enc, 0 AS sortkey_num, (pg_relation_size(c.oid) + 1048575) / 1048576 AS size,
    0::numeric(10, 4) AS pct_used, 0::bigint AS empty, 0::numeric(5, 2) AS unsorted, 0::numeric(5, 2) AS stats_off,
    reltuples::numeric(38, 0) AS tbl_rows, 1::numeric(19, 2) AS skew_sortkey1, 1::numeric(19, 2) AS skew_rows,
    reltuples::numeric(38, 0) AS estimated_visible_rows, ''::text AS risk_event, 0::numeric(5, 2) AS vacuum_sort_benefit
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace
WHERE relkind IN ('r', 'p') AND reltuples > 0 AND nspname NOT IN ('pg_catalog', 'pg_internal', 'information_schema')
    AND nspname NOT LIKE 'pg\_toast%' AND nspname NOT LIKE 'pg\_temp%';

-- What the front makes of SHOW TABLE and SHOW VIEW. The answer has Redshift's form, without keys and encodings.
CREATE FUNCTION pg_catalog.pg_internal_show_table(shown regclass)
RETURNS TABLE ("Show Table DDL statement" text) LANGUAGE sql STABLE AS $$
    SELECT 'CREATE TABLE ' || nspname || '.' || relname || E' (\n' || string_agg('    ' || quote_ident(attname) || ' '
        || format_type(atttypid, atttypmod) || CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END || ' ENCODE raw',
        E',\n' ORDER BY attnum) || E'\n)\nDISTSTYLE AUTO;'
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = relnamespace
    JOIN pg_catalog.pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    WHERE c.oid = shown GROUP BY nspname, relname
$$;

CREATE FUNCTION pg_catalog.pg_internal_show_view(shown regclass)
RETURNS TABLE ("Show View DDL statement" text) LANGUAGE sql STABLE AS $$
    SELECT pg_catalog.pg_get_viewdef(shown, true)
$$;

GRANT SELECT ON pg_catalog.svv_redshift_databases, pg_catalog.svv_redshift_schemas, pg_catalog.svv_all_schemas,
    pg_catalog.svv_redshift_tables, pg_catalog.svv_all_tables, pg_catalog.svv_tables, pg_catalog.svv_all_columns,
    pg_catalog.svv_redshift_columns, pg_catalog.svv_columns, pg_catalog.svv_user_grants, pg_catalog.svv_external_schemas,
    pg_catalog.svv_external_tables, pg_catalog.svv_external_columns, pg_catalog.svv_redshift_functions TO PUBLIC;

-- As in Redshift: everybody may use and fill the schema public.
GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC;
