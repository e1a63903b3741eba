import { fileTypeFromTokenizer } from 'file-type'
import { isOfType, isText } from '../domain/is-of-type.ts'
import type { MediaType } from '../domain/media-types.ts'
import type { LinkedContent } from './linked-content.ts'
import { RangedTokenizer } from './ranged-tokenizer.ts'

/** What the content is by itself, if that is what was declared; undefined when it is something else. */
export async function confirmType(mediaType: MediaType, content: LinkedContent): Promise<string | undefined> {
  if (mediaType.content === 'text') return (await isTextThroughout(content)) ? 'text/plain' : undefined
  const sniffed = await sniff(content)
  return isOfType(mediaType, sniffed) ? sniffed : undefined
}

/** What `file-type` calls it. Containers are told apart by what is inside, which can stand far behind their first bytes. */
async function sniff(content: LinkedContent): Promise<string | undefined> {
  try {
    const found = await fileTypeFromTokenizer(new RangedTokenizer(content))
    return found?.mime
  } catch {
    // It begins like something and goes on like nothing.
    return undefined
  } finally {
    content.assertRead()
  }
}

const SAMPLE_BYTES = 64 * 1024
const SAMPLES = 16

/** All of it up to 1 MB; of more, the beginning, the end, and as much in between. */
async function isTextThroughout(content: LinkedContent): Promise<boolean> {
  const last = Math.max(0, content.size - SAMPLE_BYTES)
  const step = Math.max(SAMPLE_BYTES, Math.ceil(last / (SAMPLES - 1)))
  const sample = new Uint8Array(SAMPLE_BYTES)
  for (let position = 0; position < last + step; position += step) {
    const length = await content.readInto(sample, Math.min(position, last))
    if (!isText(sample.subarray(0, length))) return false
  }
  return true
}
