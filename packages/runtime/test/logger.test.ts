import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test('secrets that were logged by mistake do not stand in the log', async () => {
  const script = `
    import { createLogger } from '@parley/runtime'
    createLogger({ service: 'kitchen', level: 'info' }).info(
      { accessToken: 'hunter2', request: { headers: { authorization: 'hunter2', cookie: 'hunter2' } }, config: { password: 'hunter2' }, userId: 'u1' },
      'cooked',
    )`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: import.meta.dirname,
  })
  expect(stdout).not.toContain('hunter2')
  expect(JSON.parse(stdout)).toMatchObject({ level: 'info', service: 'kitchen', userId: 'u1', msg: 'cooked' })
})
