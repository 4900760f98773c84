// node-postgres (`pg`), with pg-copy-streams for COPY.

import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { Readable } from 'node:stream'

import { run, tls } from './harness.mjs'

// The packages are installed beside the build, not beside this file.
const require = createRequire(process.env.CLIENTS_NODE)
const { Client, Query } = require('pg')
const copy = require('pg-copy-streams')

let address
let client

/** Every value as the server wrote it, rows as arrays. */
const query = (sql, more) => client.query({ text: sql, rowMode: 'array', ...more }).then((result) => result.rows)

await run({
  name: 'node pg',
  version: require('pg/package.json').version,

  async connect(to) {
    address = { host: to.host, port: to.port, user: to.user, password: to.password ?? undefined, database: to.database, ssl: await tls(to) }
    client = new Client(address)
    // Told to whoever waits for an answer as well.
    client.on('error', () => {})
    await client.connect()
  },
  close: () => client.end(),

  simple: (sql) => query(sql),
  ask: (sql) => query(sql),
  extended: (sql, value) => query(sql, { values: [value] }),
  async prepared(sql, values) {
    const results = []
    for (const value of values) results.push(await query(sql, { name: 'kept', values: [value] }))
    return results
  },

  copyIn: (sql, rows) => pipeline(Readable.from([rows]), client.query(copy.from(sql))),
  copyOut: (sql) => text(client.query(copy.to(sql))),

  async cancel(sql, running) {
    let told
    const asked = new Promise((done) => {
      told = new Query(sql, (error) => done(error ? error.code : '00000'))
    })
    client.query(told)
    await running()
    // Only a client that is connected to nothing may cancel; it does so in plain text.
    const other = new Client(address)
    other.connection.on('error', () => {})
    other.cancel(client, told)
    return asked
  },
})
