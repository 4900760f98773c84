// What every Node client does: the same checks in the same order as harness.py, one JSON line for each.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { createInterface } from 'node:readline'

const LARGE = 50_000
const COPIED = 20_000
const ORDER = ['connect', 'simple', 'extended', 'prepared', 'large', 'copy_in', 'copy_out', 'error', 'cancel', 'disconnect']

const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]()

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** Asks the test for something that the server knows. */
async function inquire(inquiry, more) {
  say({ inquiry, ...more })
  return JSON.parse((await answers.next()).value)
}

const copied = Array.from({ length: COPIED }, (_, n) => `${n + 1}\t값 ${n + 1}\n`).join('')

/** The SQLSTATE with which a statement fails. */
async function failure(client, sql) {
  try {
    await client.ask(sql)
  } catch (error) {
    return error.code
  }
  return '00000'
}

const session = async (client) => Number((await client.ask('select pg_backend_pid()'))[0][0])

const checks = {
  async connect(client, to) {
    for (const other of to.refuses) {
      await assert.rejects(client.connect({ ...to, ...other }), `connected to ${JSON.stringify(other)} all the same`)
    }
    await client.connect(to)
    assert.equal((await client.ask('select current_user::text'))[0][0], to.server_user)
  },

  async simple(client, { tag }) {
    assert.equal(Number((await client.simple(`select 40 + 2 /* simple ${tag} */`))[0][0]), 42)
  },

  async extended(client, { tag }) {
    assert.equal(Number((await client.extended(`select 40 + $1::int4 /* extended ${tag} */`, 2))[0][0]), 42)
  },

  async prepared(client, { tag }) {
    const results = await client.prepared(`select 40 + $1::int4 /* prepared ${tag} */`, [1, 2, 3])
    assert.deepEqual(results.map((rows) => Number(rows[0][0])), [41, 42, 43])
  },

  async large(client) {
    const rows = await client.ask(`select n, repeat(md5(n::text), 4) from generate_series(1, ${LARGE}) as n`)
    assert.equal(rows.length, LARGE)
    rows.forEach(([number, filler], at) => {
      const hash = createHash('md5').update(String(at + 1)).digest('hex')
      assert.ok(Number(number) === at + 1 && filler === hash.repeat(4), `row ${at + 1}`)
    })
  },

  async copy_in(client) {
    await client.ask('create temporary table taken_in (n int4, word varchar(64))')
    await client.copyIn('copy taken_in from stdin', copied)
    const [row] = await client.ask('select count(*)::int4, sum(n)::int4, max(word)::text from taken_in')
    assert.deepEqual(row.map(String), [String(COPIED), String((COPIED * (COPIED + 1)) / 2), '값 9999'])
  },

  async copy_out(client) {
    const sql = `copy (select n, '값 ' || n from generate_series(1, ${COPIED}) as n) to stdout`
    assert.ok((await client.copyOut(sql)) === copied, 'the same text')
  },

  async error(client, { tag }) {
    assert.equal(await failure(client, 'select 1/0 as zero'), '22012')
    // Several statements at once, of which the second fails: nothing of the first stays, the third never ran.
    const name = `made_by_${tag.replace(/[^A-Za-z0-9]/g, '_')}`
    const script = `create table public.${name} (n int4); select 1/0 as zero; create table public.${name}_too (n int4)`
    assert.equal(await failure(client, script), '22012')
    const made = await client.ask(`select count(*)::int4 from pg_class where strpos(relname, '${name}') = 1`)
    assert.equal(Number(made[0][0]), 0)
    await client.ask('begin')
    assert.equal(await failure(client, 'select 1/0 as zero'), '22012')
    assert.equal(await failure(client, 'select 1'), '25P02')
    await client.ask('rollback')
    assert.equal(Number((await client.ask('select 7'))[0][0]), 7)
  },

  async cancel(client, { tag }) {
    const needle = `canceled ${tag}`
    const before = await session(client)
    const running = async () => assert.equal(await inquire('running', { needle }), 'yes')
    const state = await client.cancel(`select pg_sleep(120)::text /* ${needle} */`, running)
    assert.equal(await inquire('ended', { needle }), 'canceled')
    assert.equal(state, '57014')
    assert.equal(await session(client), before, 'the same session afterwards')
  },

  async disconnect(client) {
    const before = await session(client)
    await client.close()
    assert.equal(await inquire('gone', { session: before }), 'the client disconnected')
  },
}

async function check(client, to) {
  let connected = false
  for (const name of ORDER) {
    try {
      if (!connected && name !== 'connect') await client.connect(to)
      connected = true
      await checks[name](client, to)
      say({ tag: to.tag, check: name, failure: null })
    } catch (error) {
      say({ tag: to.tag, check: name, failure: String(error) })
      // The next check gets a session that has seen nothing of this.
      connected = false
      await client.close().catch(() => {})
    }
  }
}

/** What TLS needs to know: nothing, that it must be, or whom to trust. */
export async function tls(to) {
  if (to.ca_file === null) return to.sslmode === null ? false : { rejectUnauthorized: false }
  const { readFile } = await import('node:fs/promises')
  return { ca: await readFile(to.ca_file, 'utf8') }
}

/** Runs a client in every way that the test asks for. */
export async function run(client) {
  say({ client: client.name, version: client.version })
  for (const to of JSON.parse(process.env.CLIENTS_WAYS)) {
    await check(client, { ...to, tag: `${client.name}/${to.way}` })
  }
  process.exit(0)
}
