import { ConfigError, runProcess } from '@parley/runtime'

/** A process for the tests of `runProcess`. Its arguments say how its life goes, and how long its end may take. */
const [, , life, graceSeconds] = process.argv

await runProcess('kitchen', { TERMINATION_GRACE_SECONDS: graceSeconds }, async () => {
  if (life === 'wrong configuration')
    throw new ConfigError('NATS_URL is missing.\nKITCHEN_OVEN is not a variable of this service.')
  if (life === 'does not start') throw new Error('no kitchen')
  const open = setInterval(() => undefined, 1_000)
  if (life === 'starts for ever') {
    process.stdout.write('{"msg":"starting"}\n')
    await new Promise(() => undefined)
  }
  if (life === 'crashes') void Promise.reject(new Error('nobody caught me'))
  return {
    async [Symbol.asyncDispose]() {
      if (life === 'stops at the second signal') await new Promise((resolve) => process.once('SIGTERM', resolve))
      if (life === 'does not stop') await new Promise(() => undefined)
      if (life === 'fails to stop') throw new Error('the door is stuck')
      if (life !== 'leaves something open') clearInterval(open)
    },
  }
})
