// Checks a running streamdb with node-postgres: npm install pg, then NODE_PATH=node_modules node check_node_postgres.js DSN.
const assert = require('assert');
const { Client } = require('pg');

const connectionString = process.argv[2] || 'postgres://streamdb@127.0.0.1:5432/streamdb?sslmode=disable';

async function main() {
  const db = new Client({ connectionString });
  await db.connect();
  await db.query('DROP TABLE IF EXISTS njs CASCADE');
  await db.query('CREATE TABLE njs (id int PRIMARY KEY, s text, n numeric(10,2), at timestamptz, a int[], j jsonb, ok boolean)');
  await db.query('CREATE MATERIALIZED VIEW njs_v AS SELECT count(*)::int AS n FROM njs');
  const at = new Date('2024-01-02T03:04:05.006Z');
  let r = await db.query('INSERT INTO njs VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *', [1, 'ünï', '12.50', at, [1, 2], { k: [1] }, true]);
  assert.deepStrictEqual({ ...r.rows[0] }, { id: 1, s: 'ünï', n: '12.50', at, a: [1, 2], j: { k: [1] }, ok: true });
  for (let i = 2; i < 50; i++) {
    await db.query({ name: 'ins', text: 'INSERT INTO njs (id) VALUES ($1)', values: [i] });
  }
  r = await db.query('SELECT n FROM njs_v');
  assert.strictEqual(r.rows[0].n, 49);
  await db.query('BEGIN');
  await assert.rejects(db.query('INSERT INTO njs (id) VALUES (1)'), { code: '23505' });
  await assert.rejects(db.query('SELECT 1'), { code: '25P02' });
  await db.query('ROLLBACK');
  r = await db.query('SELECT 1 AS a; SELECT 2 AS b');
  assert.deepStrictEqual(r.map((x) => ({ ...x.rows[0] })), [{ a: 1 }, { b: 2 }]);
  await assert.rejects(db.query('SELECT nothing'), { code: '42703', position: '8' });
  await db.query('DROP TABLE njs CASCADE');
  await db.end();
  console.log('ok');
}

main().catch((e) => { console.error(e); process.exit(1); });
