import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const script = fileURLToPath(new URL('processes/service.ts', import.meta.url))

/** Runs the service with this life, sends it a signal for each line that tells `when`, and tells how it ended. */
async function run(life: string, signals: Record<string, NodeJS.Signals[]> = {}, graceSeconds = '3') {
  const child = spawn(process.execPath, [script, life, graceSeconds], { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: { level: string; msg: string; problems?: string[] }[] = []
  let errors = ''
  let rest = ''
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()))
  child.stdout.on('data', (data: Buffer) => {
    const parts = (rest + data.toString()).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const line = JSON.parse(part) as (typeof lines)[number]
      lines.push(line)
      for (const signal of signals[line.msg] ?? []) child.kill(signal)
    }
  })
  const ended = Promise.withResolvers<number | null>()
  child.once('close', ended.resolve)
  return { code: await ended.promise, messages: lines.map(({ msg }) => msg), lines, errors }
}

test.each<NodeJS.Signals>(['SIGTERM', 'SIGINT'])(
  '%s undoes what was started and leads to exit code 0',
  async (signal) => {
    const { code, messages, errors } = await run('good', { started: [signal] })
    expect({ code, messages, errors }).toEqual({ code: 0, messages: ['started', 'stopping', 'stopped'], errors: '' })
  },
)

test('a second signal changes nothing', async () => {
  const { code, messages } = await run('stops at the second signal', { started: ['SIGINT'], stopping: ['SIGTERM'] })
  expect({ code, messages }).toEqual({ code: 0, messages: ['started', 'stopping', 'stopped'] })
})

test('a start that fails says why in one line and exits with 1', async () => {
  const { code, lines, errors } = await run('does not start')
  expect(code).toBe(1)
  expect(lines).toEqual([expect.objectContaining({ level: 'fatal', msg: 'could not start' })])
  expect(JSON.stringify(lines)).toContain('no kitchen')
  expect(errors).toBe('')
})

test('a wrong configuration is one line with all its problems, and exit code 1', async () => {
  const { code, lines, errors } = await run('wrong configuration')
  expect(code).toBe(1)
  expect(lines).toEqual([
    expect.objectContaining({
      level: 'fatal',
      msg: 'wrong configuration',
      problems: ['NATS_URL is missing.', 'KITCHEN_OVEN is not a variable of this service.'],
    }),
  ])
  expect(errors).toBe('')
})

test.each(['does not stop', 'leaves something open'])(
  'a process that %s is ended with exit code 1, two seconds before it would be killed',
  async (life) => {
    const { code, lines } = await run(life, { started: ['SIGTERM'] })
    expect(code).toBe(1)
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', msg: 'could not stop in time', stopTimeoutMs: 1_000 })
  },
)

test.each(['soon', '2', '3601'])('a grace period of %s is a wrong configuration', async (graceSeconds) => {
  const { code, lines } = await run('good', {}, graceSeconds)
  expect(code).toBe(1)
  expect(lines).toMatchObject([{ msg: 'wrong configuration' }])
  expect(lines[0]?.problems).toEqual([expect.stringContaining('TERMINATION_GRACE_SECONDS is wrong: ')])
})

test('a process that is asked to stop while it starts, and does not get there, is ended with exit code 1', async () => {
  const { code, messages } = await run('starts for ever', { starting: ['SIGTERM'] })
  expect({ code, messages }).toEqual({ code: 1, messages: ['starting', 'stopping', 'could not stop in time'] })
})

test('a process that fails to stop says so and exits with 1', async () => {
  const { code, messages } = await run('fails to stop', { started: ['SIGTERM'] })
  expect(code).toBe(1)
  expect(messages).toContain('could not stop')
})

test('an unhandled rejection ends the process', async () => {
  const { code, errors } = await run('crashes')
  expect(code).toBe(1)
  expect(errors).toContain('nobody caught me')
})
