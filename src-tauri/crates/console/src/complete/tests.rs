//! Statements with a cursor, marked `|`, and what is offered there.

use super::*;
use crate::objects::warehouse;

/// Names offered where `|` is.
fn at(sql: &str) -> Vec<String> {
    let cursor = sql.find('|').expect("a cursor");
    let text = sql.replacen('|', "", 1);
    let objects = warehouse();
    complete(&text, cursor, Some(&objects), Strings::Standard).offers.into_iter().map(|offer| offer.insert).collect()
}

/// What is offered without tables, schemas and functions of the catalogue.
fn columns(sql: &str) -> Vec<String> {
    let cursor = sql.find('|').expect("a cursor");
    let text = sql.replacen('|', "", 1);
    let objects = warehouse();
    let offers = complete(&text, cursor, Some(&objects), Strings::Standard).offers;
    offers.into_iter().filter(|offer| offer.kind == OfferKind::Column).map(|offer| offer.insert).collect()
}

const ORDERS: &[&str] = &["order_id", "customer_id", "status", "amount", "paid_at"];
const CUSTOMERS: &[&str] = &["id", "name", "region"];

#[test]
fn columns_come_through_an_alias_in_every_clause() {
    for sql in [
        "select o.| from orders o",
        "select o.| from orders as o",
        "select o.| from public.orders o",
        "select o.| from sales.public.orders o",
        "select 1 from orders o where o.|",
        "select 1 from orders o where o.| and 1 = 1",
        "select 1 from orders o group by o.|",
        "select 1 from orders o having max(o.|",
        "select 1 from orders o order by o.| desc limit 3",
        "select 1 from orders o qualify row_number() over (partition by o.|) = 1",
        "select 1 from customers c join orders o on o.|",
        "select 1 from customers c join orders o on o.| = c.id",
        "select 1 from customers c, orders o where c.id = o.|",
        "select orders.| from orders",
        "select O.| FROM ORDERS O",
        "select \"o\".| from orders \"o\"",
        "select case when o.| then 1 end from orders o",
        "select 1 from (customers c join orders o on c.id = o.|)",
        "update orders o set amount = o.|",
        "delete from orders o where o.|",
        "merge into customers using orders o on o.|",
        "insert into customers select o.| from orders o",
        "create table t as select o.| from orders o",
        "explain select o.| from orders o",
        "select 1; select o.| from orders o; select 2",
        "select 1 from orders o\n\nselect o.| from orders o",
        "with a as (select 1) select o.| from orders o",
        "select left(o.|, 3) from orders o",
        "select 1 from customers c left join orders o on left(c.name, 1) = o.|",
    ] {
        assert_eq!(columns(sql), ORDERS, "{sql}");
    }
    assert_eq!(columns("select o.cu| from orders o"), ["customer_id"]);
    assert_eq!(columns("select o.id| from orders o"), ["order_id", "customer_id", "paid_at"]);
    assert_eq!(columns("select x.| from orders o"), Vec::<String>::new());
}

#[test]
fn common_table_expressions_give_their_own_columns() {
    let with = "with paid as (select o.order_id, o.amount::decimal(18,2) as net, count(*) n, upper(o.status) from orders o), \
                both (a, b) as (select id, name from customers)";
    assert_eq!(columns(&format!("{with} select p.| from paid p")), ["order_id", "net", "n", "upper"]);
    assert_eq!(columns(&format!("{with} select b.| from paid p join both b on b.a = p.order_id")), ["a", "b"]);
    assert_eq!(
        columns("with a as (select * from customers), b as (select a.*, 1 as one from a) select b.| from b"),
        ["id", "name", "region", "one"]
    );
    assert_eq!(columns("with a as (select id from customers) select 1 from (select * from a) as x where x.|"), ["id"]);
    assert_eq!(columns("with a as (select id from customers), b as (select a.| from a) select 1 from b"), ["id"]);
    assert_eq!(columns("with recursive t (n) as (select 1 union all select t.| from t) select 1"), ["n"]);
    assert_eq!(
        columns("with a as (with b as (select id as inner_id from customers) select * from b) select a.| from a"),
        ["inner_id"]
    );
    // The nearest of two of one name.
    assert_eq!(columns("with orders as (select 1 as mine) select orders.| from orders"), ["mine"]);
    assert_eq!(columns("insert into orders with a as (select name from customers) select a.| from a"), ["name"]);
    // A type goes along.
    let text = "with a as (select o.amount, o.status as s from orders o) select a. from a";
    let offers = complete(text, text.find("a. from").unwrap() + 2, Some(&warehouse()), Strings::Standard).offers;
    assert_eq!(offers.iter().map(|offer| offer.detail.as_str()).collect::<Vec<_>>(), ["numeric", "varchar"]);
}

#[test]
fn subqueries_see_the_tables_around_them_and_derived_tables_do_not() {
    assert_eq!(columns("select 1 from orders o where exists (select 1 from customers c where c.id = o.|)"), ORDERS);
    assert_eq!(columns("select (select c.| from customers c where c.id = o.customer_id) from orders o"), CUSTOMERS);
    assert_eq!(columns("select 1 from orders o join (select o.| from customers c) x on true"), Vec::<String>::new());
    assert_eq!(columns("select 1 from orders o, lateral (select o.|) x"), ORDERS);
    assert_eq!(columns("select x.| from (select id, name as called from customers) x"), ["id", "called"]);
    assert_eq!(columns("select x.| from (select id, name from customers) as x (a, b)"), ["a", "b"]);
    assert_eq!(columns("select x.| from ((select id from customers) union (select order_id from orders)) x"), ["id"]);
    assert_eq!(
        columns(
            "select 1 from (select c.| from (select id from customers where id in (select customer_id from orders)) c) d"
        ),
        ["id"]
    );
    assert_eq!(
        columns("select 1 from orders where status in (select | from customers)")[..3],
        ["id", "name", "region"]
    );
}

#[test]
fn names_without_an_owner_are_columns_then_aliases() {
    let offered = at("select | from orders o");
    assert_eq!(offered[..6], ["order_id", "customer_id", "status", "amount", "paid_at", "o"]);
    assert_eq!(at("select st| from orders o")[0], "status");
    // Which of two is meant has to be said.
    let both = at("select ord| from orders o join order_lines l on true");
    assert_eq!(both[..2], ["o.order_id", "l.order_id"]);
    assert!(at("select amount * 2 as dou, dou| from orders").contains(&"dou".to_owned()));
    assert!(
        at("select count(*) as n_orders from orders group by status having n_| > 1").contains(&"n_orders".to_owned())
    );
    // A second statement is not the first.
    assert!(!at("select amount from orders; select | from customers").contains(&"amount".to_owned()));
    assert_eq!(columns("select a from orders union all select | from customers"), CUSTOMERS);
}

#[test]
fn tables_go_where_tables_go() {
    for sql in [
        "select 1 from ord|",
        "select 1 from customers join ord|",
        "select 1 from customers c left outer join ord| on true",
        "select 1 from customers, ord|",
        "insert into ord|",
        "update ord| set a = 1",
        "delete from ord|",
        "truncate ord|",
        "truncate table ord|",
        "drop table ord|",
        "alter table ord|",
        "analyze ord|",
        "vacuum ord|",
        "copy ord|",
        "grant select on ord|",
        "merge into customers using ord|",
        "select (select 1 from ord|)",
    ] {
        assert_eq!(at(sql)[..3], ["orders", "order_lines", "staging.orders"], "{sql}");
    }
    assert_eq!(at("with order_day as (select 1) select 1 from ord|")[..2], ["order_day", "orders"]);
    assert_eq!(at("select 1 from staging.|"), ["orders"]);
    assert_eq!(at("select 1 from lake.cl|"), ["clicks"]);
    assert_eq!(at("select 1 from sales.staging.|"), ["orders"]);
    assert_eq!(at("select 1 from sta|"), ["staging"]);
    assert!(at("select 1 from |").contains(&"customers".to_owned()));
    assert!(!at("select 1 from |").contains(&"pg_catalog.pg_class".to_owned()));
    assert_eq!(at("select 1 from pg_cl|"), ["pg_class"]);
    assert_eq!(at("select 1 from mix|"), ["\"Mixed Case\""]);
    assert_eq!(at("select 1 from \"mix|\""), ["\"Mixed Case\""]);
    assert_eq!(at("select 1 from \"ord| o where 1 = 1")[0], "\"orders\"");
    assert_eq!(at("call ref|"), ["refresh_mart"]);
    assert_eq!(at("select f_v| from orders"), ["f_vat"]);
}

#[test]
fn lists_of_columns_take_the_columns_of_their_table() {
    assert_eq!(at("insert into customers (|"), CUSTOMERS);
    assert_eq!(at("insert into customers (id, |) values (1)"), CUSTOMERS);
    assert_eq!(at("update orders set am|"), ["amount"]);
    assert_eq!(at("select 1 from orders join order_lines using (|"), ["order_id"]);
    assert_eq!(at("select 1 from orders o join customers c using (|)"), Vec::<String>::new());
}

#[test]
fn where_no_name_goes_nothing_is_offered() {
    for sql in [
        "select 'o| from orders",
        "select 'o|' from orders",
        "-- o|",
        "/* o| */ select 1",
        "select 1 from orders where amount > :am|",
        "select 1 from orders where amount > 12|",
        "select $$o|$$ from orders",
        "",
    ] {
        let cursor = sql.find('|').unwrap_or(0);
        let found = complete(&sql.replacen('|', "", 1), cursor, Some(&warehouse()), Strings::Standard);
        assert!(found.offers.is_empty(), "{sql}: {found:?}");
    }
    let cast = "select amount::nu from orders";
    let found = complete(cast, cast.find(" from").unwrap(), Some(&warehouse()), Strings::Standard);
    assert_eq!((found.words, found.offers.len()), (Words::Types, 0));
}

#[test]
fn a_statement_helps_itself_without_a_catalogue() {
    let sql = "with paid as (select order_id, amount as net from orders) select p. from paid p";
    let found = complete(sql, sql.find("p. ").unwrap() + 2, None, Strings::Standard);
    assert_eq!(found.offers.iter().map(|offer| offer.name.as_str()).collect::<Vec<_>>(), ["order_id", "net"]);
}

#[test]
fn halves_of_statements_are_no_reason_to_fail() {
    let whole = "with a (x, y) as (select id, f(name) as n from customers c where c.id in (select 1)), b as (table a) \
                 insert into public.orders (order_id, \"amount\") select o.*, x.y::numeric(3, 2) z from lateral (select 1) x, \
                 (orders o left join customers c using (id)) where :p > 'it''s' and c.\"name\" = $tag$ ; $tag$ group by 1; \
                 update orders set status = 'a' where order_id = 1 -- end";
    let objects = warehouse();
    for end in 0..=whole.len() {
        for start in (0..end).step_by(37) {
            for cursor in [end - start, (end - start) / 2] {
                let _ = complete(&whole[start..end], cursor, Some(&objects), Strings::Escaped);
            }
        }
    }
    let deep = format!("select {}1", "(select ".repeat(5_000));
    let _ = complete(&deep, deep.len(), Some(&objects), Strings::Standard);
}
