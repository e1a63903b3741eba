/**
 * The `Content-Disposition` under which a file is downloaded (RFC 6266). The name is the client's, so only letters, digits
 * and a few marks stand as they are; all else is percent-encoded UTF-8. Path separators become `_`.
 */
export function contentDisposition(mediaType: { inline: boolean }, name: string): string {
  const encoded = encodeURIComponent(name.replace(/[/\\]/g, '_')).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `${mediaType.inline ? 'inline' : 'attachment'}; filename*=UTF-8''${encoded}`
}
