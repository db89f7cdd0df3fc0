create table word (id integer primary key, text text, weight real);
with recursive n (i) as (select 1 union all select i + 1 from n where i < 3000)
insert into word select i, printf('%c%c%d', 97 + i * 7 % 26, 97 + i * 11 % 26, i % 50), i * 0.37 from n;
create index by_text on word (text);
select text, count(*), round(sum(weight), 3) from word group by text order by 2 desc, 1 limit 4;
select upper(text), length(text), substr(text, 2), replace(text, '1', 'one') from word where id = 1211;
select round(sin(1) + pow(2, 0.5) + log(10) + sqrt(3), 9), 7 / 2, 7 % 3, 1e300 * 1e10;
select json_extract('{"a": [1, {"b": "c"}]}', '$.a[1].b'), hex(zeroblob(3)), quote('it''s');
select strftime('%Y-%m-%d %H:%M', 86400 * 365.25, 'unixepoch'), date('2024-02-29', '+1 year');
select group_concat(text, '+') from (select distinct text from word where text glob 'a*' order by 1);
select text, row_number() over (order by weight desc) from word where id % 700 = 0;
explain query plan select * from word where text = 'ab1';
.mode csv
select * from word where id between 5 and 8;
.mode column
.headers on
select * from word where text like 'z%9' limit 2;
begin; delete from word where id > 100; select changes(); rollback; select count(*) from word;
select * from nowhere;
