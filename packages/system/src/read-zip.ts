import { buffer } from 'node:stream/consumers'
import { fromBufferPromise } from 'yauzl'

/** What is in the ZIP that a link leads to, by path; read by a library that has not written it. */
export async function readZip(url: string): Promise<Map<string, Buffer>> {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`the link was answered ${answer.status}`)
  const zip = await fromBufferPromise(Buffer.from(await answer.arrayBuffer()))
  const contents = new Map<string, Buffer>()
  for await (const entry of zip.eachEntry()) {
    contents.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)))
  }
  return contents
}
