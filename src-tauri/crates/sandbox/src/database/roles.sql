-- Users and system roles of the warehouse, once for the whole cluster.
--
-- Only the roles an administrator has prepared exist; any other IAM role becomes a user at its first login, in PUBLIC
-- only. What each may do inside a database is granted in warehouse.sql.

CREATE ROLE "sys:monitor" NOLOGIN;
CREATE ROLE "sys:operator" NOLOGIN;
CREATE ROLE "sys:dba" NOLOGIN;
GRANT "sys:monitor" TO "sys:operator";
GRANT "sys:operator" TO "sys:dba";

CREATE ROLE "IAMR:bi-readonly" LOGIN;
CREATE ROLE "IAMR:etl-writer" LOGIN;
CREATE ROLE "IAMR:warehouse-admin" LOGIN;
CREATE ROLE "IAMR:teleport-redshift-serverless-access" LOGIN;
GRANT "sys:operator" TO "IAMR:warehouse-admin";
