import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { firstSteps } from '../src/launch/first-steps.ts'
import { temporaryDirectory } from './temporary-directory.ts'

test('the example can be pasted wherever the clone is, and is JavaScript', async () => {
  await using directory = await temporaryDirectory()
  const clone = join(directory.path, "Anna's $HOME clone")
  mkdirSync(clone)
  const said = firstSteps({ clone, url: 'http://localhost:8080', accessToken: 'token' })
  const example = said.slice(said.indexOf('\ncd ') + 1, said.indexOf('\nEOF\n') + 5)
  const written = example.replace('node_modules/.bin/node --input-type=module', 'cat > example.mjs')
  execFileSync('/bin/sh', ['-c', written])
  execFileSync(process.execPath, ['--check', join(clone, 'example.mjs')])
  expect(said).toContain('\nParley is ready: http://localhost:8080\n')
})
