import { testDatabase } from '@parley/testing'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startCuttingProxy, type CuttingProxy } from '../src/cutting-proxy.ts'

/** A table of numbers, and who adds to it through the proxy. */
async function openNumbers() {
  await using stack = new AsyncDisposableStack()
  const database = stack.use(await testDatabase('messaging'))
  const proxy: CuttingProxy = stack.use(await startCuttingProxy(database.url, { word: 'add_number' }))
  const direct = new pg.Pool({ connectionString: database.url })
  const pool = new pg.Pool({ connectionString: proxy.url, max: 2 })
  for (const each of [direct, pool]) {
    // At the end the database goes while the last connections still say goodbye.
    each.on('error', () => undefined)
    each.on('connect', (client) => client.on('error', () => undefined))
  }
  stack.defer(async () => {
    await Promise.all([direct.end(), pool.end()])
  })
  await direct.query(`
    create table numbers (number int);
    create function add_number(added int, filler text) returns text language plpgsql as
      $$ begin insert into numbers values (added); return filler; end $$`)
  const opened = stack.move()
  return {
    proxy,
    add: (number: number, filler = '') =>
      pool.query<{ filler: string }>('select add_number($1, $2) as filler', [number, filler]),
    ask: (word: string) => pool.query('select $1 as said', [word]),
    numbers: async () =>
      (await direct.query<{ number: number }>('select number from numbers order by number')).rows.map(
        ({ number }) => number,
      ),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

test('the answer to the n-th matching query is cut, and what it asked for is done', async () => {
  await using it = await openNumbers()
  it.proxy.cutNth(2)
  await it.add(1)
  await it.ask('add_number')
  await expect(it.add(2)).rejects.toThrow('Connection terminated')
  await it.add(3)
  expect(await it.numbers()).toEqual([1, 2, 3])
  expect(it.proxy.cuts).toBe(1)
})

test('however long the answer is', async () => {
  await using it = await openNumbers()
  const filler = 'x'.repeat(300_000)
  expect((await it.add(1, filler)).rows[0]?.filler).toBe(filler)
  it.proxy.cutNth(1)
  await expect(it.add(2, filler)).rejects.toThrow('Connection terminated')
  await expect.poll(it.numbers).toEqual([1, 2])
})

test('with a probability of 1 every answer is cut, and none any more when it is 0', async () => {
  await using it = await openNumbers()
  it.proxy.probability = 1
  for (const number of [1, 2, 3]) await expect(it.add(number)).rejects.toThrow('Connection terminated')
  it.proxy.probability = 0
  await it.add(4)
  expect(await it.numbers()).toEqual([1, 2, 3, 4])
  expect(it.proxy.cuts).toBe(3)
})
