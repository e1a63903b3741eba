import { must } from '@parley/bus'
import { v7 } from 'uuid'
import { test, vi, expect } from 'vitest'
import { actorOf, codeOf, newUser, openWorld } from './world.ts'
import { audit } from './audit.ts'

test('load', { timeout: 120_000 }, async () => {
  for (const instances of [1, 2]) {
    await using world = await openWorld({ instances })
    const user = newUser()
    const groups = await Promise.all(Array.from({ length: 100 }, () => world.createGroup(user)))
    for (const many of [false, true]) {
      for (const [workers, batch] of [[1, 1], [50, 1], [20, 50]] as const) {
        const until = performance.now() + 3000
        let sent = 0
        const bad = new Map<string, number>()
        const latencies: number[] = []
        await Promise.all(Array.from({ length: workers }, async (_, w) => {
          while (performance.now() < until) {
            const t = performance.now()
            const sends = Array.from({ length: batch }, (_, i) => ({ actor: actorOf(user), conversationId: groups[many ? (w * 7 + i * 3) % 100 : 0]!.id, id: v7(), text: 'x'.repeat(200) }))
            const results = must(await world.calls.sendMessages({ sends })).results
            latencies.push(performance.now() - t)
            for (const r of results) { if (codeOf(r) === 'sent') sent++; else bad.set(codeOf(r), (bad.get(codeOf(r)) ?? 0) + 1) }
          }
        }))
        latencies.sort((a, b) => a - b)
        console.log(`instances ${instances} many ${many} workers ${workers} batch ${batch}: ${Math.round(sent / 3)}/s p50 ${latencies[latencies.length >> 1]!.toFixed(1)} p99 ${latencies[Math.floor(latencies.length * 0.99)]!.toFixed(1)}`, [...bad])
      }
    }
    await vi.waitFor(async () => expect(await world.db.selectFrom('outbox').select('id').execute()).toEqual([]), 20000)
    console.log(await audit(world.db))
  }
})
