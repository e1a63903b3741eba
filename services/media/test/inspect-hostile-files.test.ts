import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hostileFiles } from './hostile-files.ts'
import { assertFine, startInspector, type InspectorForTest } from './inspector-for-test.ts'

let inspector: InspectorForTest
beforeAll(async () => {
  inspector = await startInspector()
})
afterAll(() => inspector[Symbol.asyncDispose]())

const files = await hostileFiles()

test.each(files)('$name is judged: $verdict', async ({ type, content, verdict }) => {
  expect(await inspector.inspect(type, content)).toMatchObject({ verdict })
})

test.each(files.filter(({ payload }) => payload !== undefined))(
  'nothing of what was hidden in $name is left in what others get',
  async ({ type, content, payload }) => {
    expect(content.includes(payload!)).toBe(true)
    const inspection = await inspector.inspect(type, content)
    assertFine(inspection)
    const { rewritten, thumbnails } = inspection
    for (const bytes of [rewritten!, thumbnails!.small, thumbnails!.large]) {
      for (const mark of [payload!, '<script', '<?php', 'PK\x03\x04'])
        expect(Buffer.from(bytes).includes(mark)).toBe(false)
      expect(await sharp(bytes).metadata()).toMatchObject({ width: 40, height: 30 })
    }
  },
)

test('nothing but images is rewritten, and only images have thumbnails', async () => {
  for (const { type, content } of files.filter((file) => file.verdict === 'fine' && !file.type.startsWith('image/'))) {
    expect(await inspector.inspect(type, content)).toMatchObject({ rewritten: null, thumbnails: null })
  }
})
