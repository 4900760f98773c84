//! Development only: an AWS account and Redshift Serverless workgroups on this machine.
