-- A small shop's warehouse: six related tables in two schemas.
--
-- {orders}, {customers} and {products} are replaced by counts; there are four lines to an order. Every value is
-- computed from the row's number, so that two sandboxes hold the same data and a test can say what it expects.

CREATE SCHEMA mart;

-- Spreads consecutive numbers over 0 .. below, the same way every time.
CREATE FUNCTION pg_temp.spread(n bigint, salt bigint, below bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT ((n * 2654435761 + salt * 40503) % 4294967296 * 69069 % 4294967296 / 8) % below
$$;

CREATE TABLE public.customers AS
SELECT i AS customer_id,
    ((ARRAY['김','이','박','최','정','강','조','윤','장','임'])[1 + pg_temp.spread(i, 1, 10)]
        || (ARRAY['지우','서연','민준','하은','도윤','예린','시우','수아','건우','유진','현우','다은'])[1 + pg_temp.spread(i, 2, 12)]
    )::varchar(64) AS name,
    ('customer' || i || '@example.com')::varchar(256) AS email,
    (ARRAY['서울','부산','인천','대구','대전','광주','울산','수원','제주','전주'])[1 + pg_temp.spread(i, 3, 10)]::varchar(32) AS city,
    (ARRAY['bronze','silver','gold'])[1 + pg_temp.spread(i, 4, 3)]::char(8) AS tier,
    date '2019-01-01' + pg_temp.spread(i, 5, 2400)::integer AS joined_on,
    CASE WHEN pg_temp.spread(i, 6, 4) > 0 THEN (1950 + pg_temp.spread(i, 7, 55))::smallint END AS birth_year,
    pg_temp.spread(i, 8, 2) = 1 AS marketing_opt_in
FROM generate_series(1, {customers}::bigint) AS i;

CREATE TABLE public.products AS
SELECT i::integer AS product_id,
    ('SKU-' || lpad(i::text, 6, '0'))::varchar(16) AS sku,
    ((ARRAY['유기농','프리미엄','데일리','클래식','미니'])[1 + pg_temp.spread(i, 11, 5)] || ' '
        || (ARRAY['녹차','원두 커피','현미','김치','라면','올리브유','벌꿀','두유'])[1 + pg_temp.spread(i, 12, 8)]
        || ' ' || i)::varchar(128) AS name,
    (ARRAY['음료','곡물','반찬','간편식','조미료'])[1 + pg_temp.spread(i, 13, 5)]::varchar(32) AS category,
    (500 + pg_temp.spread(i, 14, 99500) + pg_temp.spread(i, 15, 100) / 100.0)::decimal(12, 2) AS list_price,
    CASE WHEN pg_temp.spread(i, 16, 20) = 0 THEN timestamp '2025-01-01' + pg_temp.spread(i, 17, 500) * interval '1 day'
    END AS discontinued_at,
    (SELECT json_build_object(
            'origin', (ARRAY['보성','강릉','해남','Ethiopia','Andalucía'])[1 + pg_temp.spread(i, 18, 5)],
            'organic', pg_temp.spread(i, 19, 2) = 1,
            'reviews', json_agg(json_build_object('stars', 1 + pg_temp.spread(i * 50 + k, 20, 5),
                'text', repeat('배송이 빠르고 포장이 꼼꼼합니다. ', 1 + pg_temp.spread(i * 50 + k, 21, 4)::integer)))
        )::text FROM generate_series(1, 5 + i % 25) AS k)::varchar(65535) AS attributes
FROM generate_series(1, {products}::bigint) AS i;

CREATE TABLE mart.orders AS
SELECT i AS order_id,
    1 + pg_temp.spread(i, 31, {customers}) AS customer_id,
    timestamp '2024-01-01' + i * (interval '900 days' / {orders}) + pg_temp.spread(i, 32, 3600000) * interval '1 millisecond' AS ordered_at,
    (ARRAY['paid','shipped','delivered','delivered','delivered','canceled'])[1 + pg_temp.spread(i, 33, 6)]::varchar(16) AS status,
    (ARRAY['web','app','store'])[1 + pg_temp.spread(i, 34, 3)]::varchar(8) AS channel,
    CASE WHEN pg_temp.spread(i, 35, 5) = 0 THEN 'SPRING' || pg_temp.spread(i, 36, 30) END::varchar(16) AS coupon
FROM generate_series(1, {orders}::bigint) AS i;

CREATE TABLE mart.order_lines AS
SELECT i AS order_line_id,
    (i + 3) / 4 AS order_id,
    (1 + pg_temp.spread(i, 41, {products}))::integer AS product_id,
    (1 + pg_temp.spread(i, 42, 5))::integer AS quantity,
    (500 + pg_temp.spread(i, 43, 99500))::decimal(12, 2) AS unit_price,
    CASE WHEN pg_temp.spread(i, 44, 10) = 0 THEN 0.05 END::decimal(4, 2) AS discount
FROM generate_series(1, 4 * {orders}::bigint) AS i;

CREATE TABLE mart.refunds AS
SELECT row_number() OVER (ORDER BY order_id)::integer AS refund_id, order_id,
    (ordered_at + interval '3 days') AT TIME ZONE 'UTC' AS refunded_at,
    (1000 + pg_temp.spread(order_id, 51, 50000))::decimal(12, 2) AS amount,
    CASE WHEN pg_temp.spread(order_id, 52, 3) > 0 THEN
        (ARRAY['단순 변심','배송 지연','상품 파손','오배송'])[1 + pg_temp.spread(order_id, 53, 4)] END::varchar(64) AS reason
FROM mart.orders WHERE status = 'canceled' AND pg_temp.spread(order_id, 54, 2) = 0;

CREATE TABLE mart.daily_sales AS
SELECT o.ordered_at::date AS sale_date, o.channel, count(DISTINCT o.order_id)::integer AS orders,
    sum(l.quantity)::bigint AS units,
    sum(l.quantity * l.unit_price * (1 - coalesce(l.discount, 0)))::decimal(18, 2) AS revenue
FROM mart.orders AS o JOIN mart.order_lines AS l USING (order_id)
GROUP BY 1, 2;

ALTER TABLE public.customers ADD PRIMARY KEY (customer_id);
ALTER TABLE public.products ADD PRIMARY KEY (product_id);
ALTER TABLE mart.orders ADD PRIMARY KEY (order_id),
    ADD FOREIGN KEY (customer_id) REFERENCES public.customers;
ALTER TABLE mart.order_lines ADD PRIMARY KEY (order_line_id),
    ADD FOREIGN KEY (order_id) REFERENCES mart.orders,
    ADD FOREIGN KEY (product_id) REFERENCES public.products;
ALTER TABLE mart.refunds ADD PRIMARY KEY (refund_id),
    ADD FOREIGN KEY (order_id) REFERENCES mart.orders;
ALTER TABLE mart.daily_sales ADD PRIMARY KEY (sale_date, channel);
COMMENT ON TABLE mart.daily_sales IS '일별 매출 요약';
COMMENT ON TABLE mart.order_lines IS 'One row per product of an order';

GRANT USAGE ON SCHEMA mart TO "IAMR:bi-readonly", "IAMR:etl-writer", "IAMR:warehouse-admin";
GRANT SELECT ON ALL TABLES IN SCHEMA public, mart TO "IAMR:bi-readonly", "IAMR:etl-writer", "IAMR:warehouse-admin";
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA mart TO "IAMR:etl-writer";

-- The guide's role reads the database `dev` and no other.
DO $$
BEGIN
    IF current_database() = 'dev' THEN
        GRANT USAGE ON SCHEMA mart TO "IAMR:teleport-redshift-serverless-access";
        GRANT SELECT ON ALL TABLES IN SCHEMA public, mart TO "IAMR:teleport-redshift-serverless-access";
    END IF;
END
$$;
