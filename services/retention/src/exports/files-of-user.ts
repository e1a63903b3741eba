import { must, type Callers } from '@parley/bus'
import type { media, ReplyOf } from '@parley/contracts'
import { keepAsking } from '../store/keep-asking.ts'
import { FileGone, readSteadily } from './steady-read.ts'

type Media = Pick<Callers<typeof media>, 'exportUser'>
type Page = ReplyOf<typeof media.calls.exportUser>

/** Links are good for some minutes, and between the first and the last file of a page there may be hours. */
const LINKS_FRESH_MS = 5 * 60_000

export interface FileOfUser {
  readonly id: string
  readonly name: string
  /** Rejects with `FileGone` before the first byte when it is not there. */
  readonly read: () => AsyncGenerator<Uint8Array>
}

/** The files of a user, which are asked for while they are read. */
export async function* filesOfUser(owner: Media, userId: string, signal: AbortSignal): AsyncGenerator<FileOfUser> {
  const ask = (cursor: string | null) =>
    keepAsking(async () => must(await owner.exportUser({ userId, cursor })), signal)
  let cursor: string | null = null
  do {
    const place: string | null = cursor
    let page: Page = await ask(place)
    let askedAt = performance.now()
    const linkOf = async (id: string, isRefused: boolean): Promise<string> => {
      if (isRefused || performance.now() - askedAt > LINKS_FRESH_MS) {
        page = await ask(place)
        askedAt = performance.now()
      }
      const file = page.files.find((file) => file.id === id)
      if (file === undefined) throw new FileGone('no longer a file of theirs')
      return file.url
    }
    const { files, cursor: next } = page
    for (const { id, name } of files) {
      yield { id, name, read: () => readSteadily((isRefused) => linkOf(id, isRefused), signal) }
    }
    cursor = next
  } while (cursor !== null)
}
