#!/usr/bin/env python3
"""Checks a running streamdb with psycopg 3: pip install 'psycopg[binary]', then check_psycopg.py DSN."""
import datetime
import decimal
import sys
import uuid

import psycopg

dsn = sys.argv[1] if len(sys.argv) > 1 else "postgres://streamdb@127.0.0.1:5432/streamdb?sslmode=disable"

with psycopg.connect(dsn, autocommit=True) as db:
    db.execute("DROP TABLE IF EXISTS psy CASCADE")
    db.execute("CREATE TABLE psy (id int PRIMARY KEY, s text, n numeric(10,2), at timestamptz, a int[], j jsonb, u uuid, b bytea)")
    db.execute("CREATE MATERIALIZED VIEW psy_v AS SELECT count(*) AS n, sum(n) AS s FROM psy")
    at = datetime.datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)
    row = (1, "ünï", decimal.Decimal("12.50"), at, [1, 2], psycopg.types.json.Jsonb({"k": [1]}), uuid.UUID(int=7), b"\0\xff")
    db.execute("INSERT INTO psy VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", row)
    for binary in (False, True):
        got = db.cursor(binary=binary).execute("SELECT * FROM psy WHERE id = %s", (1,)).fetchone()
        assert got == row[:5] + ({"k": [1]},) + row[6:], got

    with db.transaction():
        db.execute("UPDATE psy SET n = n + 1")
        try:
            with db.transaction():  # a savepoint
                db.execute("INSERT INTO psy (id) VALUES (1)")
            raise AssertionError("a second key")
        except psycopg.errors.UniqueViolation:
            pass
    assert db.execute("SELECT n, s FROM psy_v").fetchone() == (1, decimal.Decimal("13.50"))

    for fmt in ("TEXT", "BINARY"):
        db.execute("DELETE FROM psy")
        cur = db.cursor()
        with cur.copy(f"COPY psy (id, s) FROM STDIN (FORMAT {fmt})") as copy:
            copy.set_types(["int4", "text"])
            for i in range(1000):
                copy.write_row((i, None if i % 2 else f"row {i}"))
        assert cur.rowcount == 1000
        with db.cursor().copy(f"COPY (SELECT id, s FROM psy ORDER BY id) TO STDOUT (FORMAT {fmt})") as copy:
            copy.set_types(["int4", "text"])
            rows = list(copy.rows())
        assert len(rows) == 1000 and rows[4] == (4, "row 4") and rows[5] == (5, None), rows[:6]

    db.cursor().executemany("INSERT INTO psy (id) VALUES (%s)", [(i,) for i in range(2000, 2100)])
    with db.pipeline():
        cur = [db.execute("SELECT count(*) FROM psy"), db.execute("SELECT n FROM psy_v")]
        assert [c.fetchone()[0] for c in cur] == [1100, 1100]

    with db.transaction(), db.cursor(name="c") as cur:  # a cursor of the server
        cur.itersize = 100
        assert sum(1 for _ in cur.execute("SELECT id FROM psy")) == 1100

    try:
        db.execute("SELECT nothing")
        raise AssertionError("an unknown column")
    except psycopg.errors.UndefinedColumn as e:
        assert e.diag.statement_position == "8", e.diag.statement_position
    assert db.info.server_version >= 150000 and db.info.parameter_status("TimeZone")
    db.execute("DROP TABLE psy CASCADE")
print("ok")
