import { readFile } from 'node:fs/promises'
import { permissions } from '@parley/protocol'
import { expect, test } from 'vitest'
import { mayGoAsOwner } from './last-owner.ts'

test('the README shows the whole table as it is', async () => {
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const section = readme.split('## Who may do what\n')[1]?.split('\n## ')[0] ?? ''
  const [header, , ...rows] = [...section.matchAll(/^\| (.+) \|$/gm)].map(([, row]) =>
    row!.split('|').map((cell) => cell.trim()),
  )
  const kinds = header!.slice(1)
  const shown = rows.map(([action, ...cells]) => [
    action!.replaceAll('`', ''),
    Object.fromEntries(kinds.map((kind, index) => [kind, cells[index] === 'nobody' ? [] : cells[index]!.split(', ')])),
  ])
  expect(Object.fromEntries(shown)).toEqual(permissions)
})

test('a group or channel with members always has an owner', () => {
  expect(mayGoAsOwner({ owners: 1, members: 2 })).toBe(false)
  expect(mayGoAsOwner({ owners: 2, members: 2 })).toBe(true)
  expect(mayGoAsOwner({ owners: 1, members: 1 })).toBe(true)
})
