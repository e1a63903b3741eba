import { getResolvedPDFJS } from 'unpdf'
import type { LinkedContent } from './linked-content.ts'

const MOST_PAGES = 1_000_000
const RANGE_BYTES = 64 * 1024

/**
 * How many pages a PDF has: null when it does not tell, for it is broken, or locked, or scattered. Nothing is drawn and no script
 * is run; of a large file only the parts are read that lead to its pages.
 */
export async function pdfPages(content: LinkedContent): Promise<number | null> {
  const { getDocument, PDFDataRangeTransport, VerbosityLevel } = await getResolvedPDFJS()
  class LinkTransport extends PDFDataRangeTransport {
    override requestDataRange(begin: number, end: number): void {
      const bytes = new Uint8Array(end - begin)
      content.readInto(bytes, begin).then(
        (length) => this.onDataRange(begin, bytes.subarray(0, length)),
        () => failed.resolve(null),
      )
    }
  }
  const failed = Promise.withResolvers<null>()
  const loading = getDocument({
    range: new LinkTransport(content.size, null),
    rangeChunkSize: RANGE_BYTES,
    disableAutoFetch: true,
    disableStream: true,
    enableXfa: false,
    useSystemFonts: false,
    disableFontFace: true,
    useWorkerFetch: false,
    verbosity: VerbosityLevel.ERRORS,
  })
  // A locked one is not waited for.
  loading.onPassword = () => failed.resolve(null)
  try {
    const pages = await Promise.race([loading.promise.then(({ numPages }) => numPages), failed.promise])
    return pages !== null && Number.isSafeInteger(pages) && pages >= 1 && pages <= MOST_PAGES ? pages : null
  } catch {
    return null
  } finally {
    await loading.destroy()
    content.assertRead()
  }
}
