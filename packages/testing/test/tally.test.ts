import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('what is counted: tests, hooks that throw, modules that do not load, workers that die, and errors that nobody caught', async () => {
  const script = fileURLToPath(new URL('tally-cases/count.ts', import.meta.url))
  const counted = Promise.withResolvers<string>()
  execFile(process.execPath, [script], (_, output) => counted.resolve(output))
  expect(JSON.parse(await counted.promise)).toEqual({ passed: 2, failed: 5 })
})
