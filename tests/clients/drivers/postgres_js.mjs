// postgres.js.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'

import { run, tls } from './harness.mjs'

// The packages are installed beside the build, not beside this file.
const require = createRequire(process.env.CLIENTS_NODE)
const postgres = require('postgres')

let options
let sql

await run({
  name: 'postgres.js',
  version: JSON.parse(readFileSync(join(dirname(process.env.CLIENTS_NODE), 'node_modules/postgres/package.json'))).version,

  async connect(to) {
    const unix = to.host.startsWith('/') ? { path: `${to.host}/.s.PGSQL.${to.port}` } : {}
    options = {
      host: to.host,
      port: to.port,
      user: to.user,
      password: to.password ?? undefined,
      database: to.database,
      ssl: await tls(to),
      ...unix,
      // One session, so that what a statement leaves is there for the next; no look at types, which Redshift has not.
      max: 1,
      fetch_types: false,
      onnotice: () => {},
    }
    sql = postgres(options)
    await sql.unsafe('select 1')
  },
  close: () => sql.end(),

  simple: (query) => sql.unsafe(query).values(),
  ask: (query) => sql.unsafe(query).values(),
  extended: (query, value) => sql.unsafe(query, [value]).values(),
  async prepared(query, values) {
    const results = []
    for (const value of values) results.push(await sql.unsafe(query, [value], { prepare: true }).values())
    return results
  },

  copyIn: async (query, rows) => pipeline(Readable.from([rows]), await sql.unsafe(query).writable()),
  // In a session of its own: the driver pauses its socket when the last rows fill the stream, and nobody reads on.
  async copyOut(query) {
    const other = postgres(options)
    const copied = await text(await other.unsafe(query).readable())
    await other.end({ timeout: 0 })
    return copied
  },

  async cancel(query, running) {
    const asked = sql.unsafe(query)
    const told = asked.then(() => '00000', (error) => error.code)
    await running()
    await asked.cancel()
    return told
  },
})
