import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { callOf, startedClient } from './functional/official-client.ts'

/** Its own process, as its reader starts it, on a free port. */
async function startExample(): Promise<{ url: string } & AsyncDisposable> {
  const file = fileURLToPath(new URL('../example/server.ts', import.meta.url))
  const server = spawn(process.execPath, [file, '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(server, 'exit')
  const [line] = await Promise.race([once(server.stdout, 'data'), exited])
  return {
    url: String(line).trim(),
    async [Symbol.asyncDispose]() {
      server.kill()
      await exited
    },
  }
}

test('the example serves its page and the client, and those who chat hear each other', async () => {
  await using example = await startExample()
  const page = await (await fetch(example.url)).text()
  expect(page).toContain('<script src="/signalr.js">')
  expect(await (await fetch(`${example.url}/signalr.js`)).text()).toContain('HubConnectionBuilder')

  await using ann = await startedClient(`${example.url}/chat?name=Ann`)
  const heardByAnn = [callOf(ann, 'joined'), callOf(ann, 'said'), callOf(ann, 'left')]
  const bob = await startedClient(`${example.url}/chat?name=Bob`)
  await bob.invoke('Say', 'Hello!')
  await bob.stop()
  expect(await Promise.all(heardByAnn)).toEqual([['Bob'], ['Bob', 'Hello!'], ['Bob']])
})
