/** A client has broken off what it was sending. The text is its own, and goes back to it if the method lets it pass. */
export class UploadError extends Error {
  override readonly name = 'UploadError'
}
